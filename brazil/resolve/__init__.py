"""From a request, base pins and a catalog to pins or the reasons why there are none; pure."""

"""The content-addressed store on local disk: blobs, Trees in and out of folders, remembered results."""

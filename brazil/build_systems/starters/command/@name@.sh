#!/bin/sh
echo "hello from @Name@"

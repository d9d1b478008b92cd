"""The bytes of what people send: in a folder of this machine, or on S3 for several; the names are the same."""

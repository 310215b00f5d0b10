"""Sources of packages: straight from git objects, or captured from a checkout; both give the same Tree."""

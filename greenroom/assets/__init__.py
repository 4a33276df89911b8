"""Files that belong to a site but not to its code: images, uploads, in buckets and folders."""

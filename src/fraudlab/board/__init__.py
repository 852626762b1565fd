"""Many runs on one loopback page: what folders hold, read anew, and never written."""

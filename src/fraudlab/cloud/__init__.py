"""What fraudlab has made in an AWS account: found by its tags, what it may cost, and how it is taken away."""

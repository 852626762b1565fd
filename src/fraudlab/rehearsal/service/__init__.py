"""SageMaker's own calls: a function for each, which is given the request and what it stands on."""

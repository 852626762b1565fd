"""SageMaker behind any endpoint URL: files in S3, images in a registry, jobs that outlive who starts them."""

"""Many runs as one question: a study makes configurations, carries them out and reads what is recorded."""

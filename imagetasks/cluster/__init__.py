"""All that talks to Kubernetes. The kubernetes package is imported where it is used, and only by these modules."""

"""`make containers`: the deployment files tried with each other, by the engine that `docker` reaches."""

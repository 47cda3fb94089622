"""Speed and memory of the site, each beside a peer or a naive arm in the same run."""

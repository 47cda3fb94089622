"""Audio: bytes and arrays in, facts, peaks, proxies and clips out; no Django here.

The web process imports only `child`, `errors`, `facts`, `limits`, `tiles` and `timing`, which need nothing but the
standard library. Everything that opens an uploaded file runs in a limited child process, through `child.run`.
"""

"""Serves a model by llama.cpp's own server until it is told to end. Usage: serve.py WEIGHTS HOST:PORT"""

import pathlib
import signal
import sys

import xllamacpp

# Of each of the two slots: what a conversation may hold.
CONTEXT_TOKENS = 1024
SLOTS = 2

weights, address = sys.argv[1:]
host, _, port = address.rpartition(":")
options = xllamacpp.CommonParams()
options.model.path = weights
options.chat_template = pathlib.Path(__file__).with_name("template.jinja").read_text()
options.hostnames, options.port = [host], int(port)
options.n_ctx, options.n_parallel = CONTEXT_TOKENS * SLOTS, SLOTS
options.endpoint_metrics = True
# One thread computes the same thing every time.
options.cpuparams.n_threads = options.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(options)
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
signal.pause()

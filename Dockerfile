FROM denoland/deno:2.9.6

WORKDIR /app

COPY . .
# What the server and the trainings that it starts import, and no more.
RUN deno install --entrypoint commands/serve/run.ts commands/train/run.ts commands/data/run.ts
RUN mkdir -p runs
RUN chown -R deno:deno /app

USER deno
# glibc keeps what is freed in pools, eight a core unless it is told otherwise.
ENV MALLOC_ARENA_MAX=2
EXPOSE 8000

# Not by `deno task`, which does not pass SIGTERM on. Jobs may need more than the 10 s that Docker gives until SIGKILL:
# `docker run --stop-timeout 600`. The server listens on all of the container's addresses.
# The young part of each thread's heap grows with the load to 32 MiB, most of it garbage, unless it is told not to.
# The set of permissions is deno.json's; a flag replaces what the set says of its kind.
CMD ["deno", "run", "-q", "--v8-flags=--max-semi-space-size=4", "--no-prompt", "-P=serve", "--allow-read=.", "--allow-ffi=node_modules/.deno/onnxruntime-node@1.30.0", "--allow-net=0.0.0.0", "--allow-env=DATABASE_URL,DENOISE_API_KEYS,ORT_DISABLE_TELEMETRY", "--allow-run=/usr/bin/deno", "main.ts", "serve", "--host", "0.0.0.0"]

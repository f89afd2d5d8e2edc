FROM denoland/deno:2.9.6

WORKDIR /app

# Dependencies first: this layer is rebuilt only when they change.
COPY deno.json deno.lock ./
RUN deno install --frozen

COPY . .
RUN deno check main.ts
RUN mkdir -p runs
RUN chown -R deno:deno /app

USER deno
EXPOSE 8000

# Not by `deno task`, which does not pass SIGTERM on. The server listens on all of the container's addresses.
CMD ["deno", "run", "--no-prompt", "--allow-net=0.0.0.0", "--allow-sys=hostname,systemMemoryInfo", "--allow-read=.", "--allow-env=DATABASE_URL,DENOISE_API_KEYS", "--allow-write=runs", "--allow-run=/usr/bin/deno", "main.ts", "serve", "--host", "0.0.0.0"]

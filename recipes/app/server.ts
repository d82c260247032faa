/** The app that `recipes/app.ts` packs: a page, a health check, and a counter of visits. */
import { Hono } from "hono";

/** Makes the app; each one counts for itself. */
export function createApp(): Hono {
  let visits = 0;
  const app = new Hono();
  app.get("/", (c) => {
    visits++;
    return c.html(`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Layerwright app</title>
  </head>
  <body>
    <h1>It runs</h1>
    <p>This page was served ${visits === 1 ? "once" : `${visits} times`}.</p>
  </body>
</html>
`);
  });
  app.get("/api/visits", (c) => c.json({ visits }));
  app.get("/healthz", (c) => c.text("ok"));
  return app;
}

if (import.meta.main) {
  // The first process of a container gets no default handlers: without these, stopping it takes ten seconds.
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(0));
}

const server: { readonly port: number; readonly fetch: Hono["fetch"] } = {
  port: Number(process.env.PORT ?? 3000),
  fetch: createApp().fetch,
};

// What Bun serves when it runs this file.
export default server;

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodePng } from "../../formats/png.ts";
import { parseKeys } from "../../routes/http/keys.ts";
import { formOf, gradient, urlOf } from "./pictures.ts";
import { asJson, until, withServer } from "./with_server.ts";

/** A small file of 16 million pixels. */
const bomb = encodePng({ data: new Uint8Array(4096 * 4096), height: 4096, width: 4096, channels: 1 });

const uploadOf = (image: Uint8Array<ArrayBuffer>, fields: object = {}, key?: string): RequestInit => ({
  method: "POST",
  body: formOf({ image, steps: 1, ...fields }),
  headers: key ? { authorization: `Bearer ${key}` } : {},
});

const statusOf = async (answer: Promise<Response>): Promise<number> => {
  const response = await answer;
  await response.body?.cancel();
  return response.status;
};

/** Sends a text as it stands, and gives the connection. */
const send = async (origin: string, text: string): Promise<Deno.TcpConn> => {
  const { hostname, port } = new URL(origin);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(text.replaceAll("\n", "\r\n")));
  return connection;
};

Deno.test("a client's place is taken before its body has come, and free when it goes away within it", () =>
  withServer(async ({ origin }) => {
    const heads = [
      "PUT /predictions/a HTTP/1.1\nhost: localhost\ncontent-type: application/json\ncontent-length: 100\n\n{",
      "PUT /predictions/a HTTP/1.1\nhost: localhost\ncontent-type: application/json\ntransfer-encoding: chunked\n\n1\n{\n",
      "POST /img2img HTTP/1.1\nhost: localhost\ncontent-type: application/json\ntransfer-encoding: chunked\n\n1\n{\n",
    ];
    const draw = () => statusOf(fetch(`${origin}/generate?steps=1`));
    for (const head of heads) {
      let connection: Deno.TcpConn | undefined;
      // It is refused itself where it comes to the server after the one that is drawn.
      const drawBehind = async () => {
        connection?.close();
        connection = await send(origin, head);
        await new Promise((resume) => setTimeout(resume, 50));
        return await draw();
      };
      await until(drawBehind, (status) => status === 429);
      assertEquals(await draw(), 429);
      connection!.close();
      await until(draw, (status) => status === 200);
    }
  }, { limits: { concurrent: 1 } }));

Deno.test("a prediction that holds its client's last place can be asked for again, and its result be had", () =>
  withServer(async ({ origin }) => {
    const put = (input: object) =>
      fetch(`${origin}/predictions/mine`, asJson({ task: "generate", input }, { method: "PUT" }));
    const input = { n: 8, steps: 100, seed: 3 };
    assertEquals(await statusOf(put(input)), 201);
    assertEquals(await statusOf(fetch(`${origin}/generate?steps=1`)), 429);
    assertEquals(await statusOf(put(input)), 200);
    assertEquals(await statusOf(put({ ...input, n: 1 })), 409);
    assertEquals(await statusOf(fetch(`${origin}/predictions/mine/result`)), 409);
  }, { limits: { concurrent: 1 } }));

Deno.test("a body of more values, parts or bytes than anything asks for is refused, of whatever length it says to be", () =>
  withServer(async ({ origin }) => {
    const answer = async (path: string, body: BodyInit, type: string, method = "POST") => {
      const response = await fetch(`${origin}${path}`, { method, body, headers: { "content-type": type } });
      return [response.status, (await response.json()).detail] as const;
    };
    const json = "application/json";
    const zeros = `[${"0,".repeat(2 ** 22)}0]`;
    for (const [path, method] of [["/predictions/a", "PUT"], ["/img2img", "POST"]] as const) {
      const [status, detail] = await answer(path, zeros, json, method);
      assertEquals(status, 400);
      assertStringIncludes(detail, "bytes beside its images, and may hold 65536");
    }
    const parts = Array.from({ length: 20_000 }, (_, i) => [`a${i}`, "1"]);
    const form = formOf(Object.fromEntries(parts));
    const many = await fetch(`${origin}/img2img`, { method: "POST", body: form });
    assertEquals(many.status, 400);
    assertStringIncludes((await many.json()).detail, "part count exceeds maximum allowed count of 100");

    const stream = () => new Blob([new Uint8Array(2 ** 20).fill(0x20)]).stream();
    for (const path of ["/generate", "/jobs", "/models", "/jobs/x/resume"]) {
      const [status] = await answer(path, stream(), json);
      assert(status === 413 || path.includes("resume"), `${path}: ${status}`);
    }
    const query = Array.from({ length: 200 }, (_, i) => `a${i}=1`).join("&");
    for (const path of ["/generate", "/models", "/predictions"]) {
      const response = await fetch(`${origin}${path}?${query}`);
      assertEquals([response.status, (await response.json()).detail], [
        400,
        "a query may have 100 parameters, this one has 200",
      ]);
    }
  }));

Deno.test("an image that comes as long text is drawn with as one that comes as a file", () =>
  withServer(async ({ origin }) => {
    const image = gradient(200);
    assert(urlOf(image).length > 5000);
    const rest = { t: 50, steps: 2, seed: 3 };
    const ways: RequestInit[] = [
      { method: "POST", body: formOf({ image, ...rest }) },
      { method: "POST", body: formOf({ image: urlOf(image), ...rest }) },
      asJson({ image: image.toBase64(), ...rest }),
    ];
    const drawn = await Promise.all(ways.map(async (init) => await (await fetch(`${origin}/img2img`, init)).bytes()));
    for (const bytes of drawn) assertEquals(bytes, drawn[0]);

    const put = async (input: object) => {
      const init = asJson({ task: "img2img", input }, { method: "PUT" });
      const response = await fetch(`${origin}/predictions/long`, init);
      return [response.status, await response.json()];
    };
    const input = { image: urlOf(image), ...rest };
    assertEquals((await put(input))[0], 201);
    assertEquals((await put({ ...rest, image: input.image }))[0], 200);
    assertEquals((await put({ ...input, image: urlOf(gradient(201)) }))[0], 409);

    const wrong = await fetch(`${origin}/img2img`, asJson({ image: "?".repeat(9000), t: "x".repeat(9000) }));
    const { errors } = await wrong.json();
    assertEquals([wrong.status, errors], [422, [{ field: "t", received: "text of 9000 bytes", allowed: "a number" }]]);
  }));

Deno.test("one client's large images hold up another's small one by no more than one of them", () =>
  withServer(async ({ origin }) => {
    const url = `${origin}/img2img`;
    const done: string[] = [];
    const note = async (name: string, answer: Promise<Response>) => {
      assertEquals(await statusOf(answer), 200);
      done.push(name);
    };
    // The decoder has started.
    await note("first", fetch(url, uploadOf(gradient(), {}, "other")));
    const large = Array.from({ length: 6 }, () => note("large", fetch(url, uploadOf(bomb, {}, "one"))));
    await until(() => done.length, (count) => count > 1);
    await note("small", fetch(url, uploadOf(gradient(), {}, "other")));
    const place = done.indexOf("small");
    await Promise.all(large);
    assert(place <= 3, `${place} of ${done.length}`);
  }, { keys: parseKeys("one:generate other:generate") }));

Deno.test("timeoutSeconds reaches the queue of the decoder", () =>
  withServer(async ({ origin }) => {
    const url = `${origin}/img2img`;
    const large = Array.from({ length: 10 }, () => statusOf(fetch(url, uploadOf(bomb))));
    const response = await fetch(url, uploadOf(gradient(), { timeoutSeconds: 1 }));
    const { status, detail } = await response.json();
    assertEquals([response.status, status, detail], [504, 504, "it was not done in 1 s"]);
    assertEquals(new Set(await Promise.all(large)), new Set([200]));
  }));

import { type Attributes, context, type Span, SpanStatusCode, trace } from "@opentelemetry/api";

/**
 * Runs work within the span of its request. Deno opens one for what `node:http` serves, but keeps it at the answer, out of
 * sight: what is not found there costs no more than that.
 */
export const withinRequestSpan = <T>(answer: object, work: () => T): T => {
  const key = Object.getOwnPropertySymbols(answer).find(({ description }) => description === "kOtelSpan");
  const span = key && (answer as Record<symbol, Span | null | undefined>)[key];
  return span ? context.with(trace.setSpan(context.active(), span), work) : work();
};

/** Says on the span of the request, which Deno opens, which route it took. */
export const nameRequestSpan = (method: string, route: string): void => {
  trace.getActiveSpan()?.updateName(`${method} ${route}`).setAttribute("http.route", route);
};

/**
 * Runs work within an OpenTelemetry span. Deno exports it where OTEL_DENO is set; elsewhere it costs nothing. The span of
 * the request, which is Deno's, ends with the headers of the answer; this one lasts as long as the work.
 */
export const traced = <T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> =>
  trace.getTracer("denoise").startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.recordException(error as Error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
      throw error;
    } finally {
      span.end();
    }
  });

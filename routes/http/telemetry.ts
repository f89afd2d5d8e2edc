import { type Attributes, SpanStatusCode, trace } from "@opentelemetry/api";

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

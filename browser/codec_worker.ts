/** The codec's Worker of a page. */
import { answerCodecCalls } from "../routes/codec/answer_calls.ts";

answerCodecCalls(() => null);

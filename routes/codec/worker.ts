/** The codec's Worker of a program. */
import { createHeapReader } from "../../serving/heap.ts";
import { answerCodecCalls } from "./answer_calls.ts";

answerCodecCalls(createHeapReader());

/**
 * Threads that answer requests.
 *
 * @module
 */
import type { Transferable, Worker } from "node:worker_threads";
import { type ErrorCode, LayerwrightError } from "../errors.ts";

/** What the threads of a pool run, and how many they are. */
export interface ThreadPoolOptions {
  /** A module that answers each message with one message, in order. */
  readonly module: URL;
  /** Given to each thread as `workerData`. */
  readonly data?: unknown;
  readonly count: number;
  /** What fails with the threads, for messages: "Cannot …". */
  readonly purpose: string;
  /** The code of that failure. */
  readonly code: ErrorCode;
  /** Ends the threads, and with them all that waits for them. */
  readonly signal?: AbortSignal | undefined;
}

/** A request under way. */
interface Job<Request, Answer> {
  readonly request: Request;
  readonly transfer: readonly Transferable[];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: LayerwrightError) => void;
}

interface Thread<Request, Answer> {
  readonly worker: Worker;
  /** What it has been given and not answered, oldest first. */
  readonly given: Job<Request, Answer>[];
  /** What only this thread may be given. */
  readonly own: Job<Request, Answer>[];
}

/** Requests given to a thread before it answers: the second is there when the first is done. */
const GIVEN_AHEAD = 2;

/** A pool of threads, started with the first request and used until it is disposed. */
export class ThreadPool<Request, Answer> implements AsyncDisposable {
  readonly #options: ThreadPoolOptions;
  readonly #cancel = (): void => this.#end(cancelled(this.#options.signal?.reason));
  readonly #threads: Thread<Request, Answer>[] = [];
  readonly #waiting: Job<Request, Answer>[] = [];
  readonly #early: { readonly lane: number; readonly job: Job<Request, Answer> }[] = [];
  readonly #terminated: Promise<unknown>[] = [];
  #started: Promise<void> | undefined;
  #ended: LayerwrightError | undefined;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    const { signal } = options;
    if (signal?.aborted === true) this.#cancel();
    signal?.addEventListener("abort", this.#cancel, { once: true });
  }

  /** Starts the threads before there is something to ask. */
  start(): void {
    this.#started ??= this.#start();
  }

  /** How many threads there are. */
  get size(): number {
    return this.#options.count;
  }

  /**
   * Has some thread answer a request.
   *
   * @param transfer buffers that are taken away.
   * @param lane requests of one lane are answered by one thread, in order.
   * @throws {LayerwrightError} the code of the options when a thread ends of itself, for this request and all others;
   * `BUILD_CANCELLED` once the signal has fired.
   */
  ask(request: Request, transfer: readonly Transferable[], lane?: number): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    // Its failure is met when its turn comes, or not at all after an earlier one.
    promise.catch(() => {});
    if (this.#ended !== undefined) {
      reject(this.#ended);
      return promise;
    }
    const job = { request, transfer, resolve, reject };
    this.start();
    if (lane === undefined) this.#waiting.push(job);
    else if (this.#threads.length === 0) this.#early.push({ lane, job });
    else this.#threads[lane % this.#threads.length]?.own.push(job);
    this.#give();
    return promise;
  }

  /** Ends the threads without waiting for them to be gone: for when all requests were answered. */
  end(): void {
    this.#options.signal?.removeEventListener("abort", this.#cancel);
    this.#end(this.#failed("its threads were ended"));
  }

  /** Ends the threads; a request still under way fails. When this returns no thread does anything more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
    await this.#started;
    await Promise.all(this.#terminated);
  }

  async #start(): Promise<void> {
    try {
      // Slow to load, and small builds do without.
      const { Worker } = await import("node:worker_threads");
      if (this.#ended !== undefined) return;
      const { module, data, count } = this.#options;
      for (let index = 0; index < count; index++) {
        this.#add(new Worker(module, { workerData: data }));
      }
      for (const { lane, job } of this.#early.splice(0)) this.#threads[lane % count]?.own.push(job);
      this.#give();
    } catch (error) {
      this.#end(this.#failed("a thread could not be started", error));
    }
  }

  #add(worker: Worker): void {
    const thread: Thread<Request, Answer> = { worker, given: [], own: [] };
    this.#threads.push(thread);
    worker.on("message", (answer: Answer) => {
      thread.given.shift()?.resolve(answer);
      this.#give();
    });
    worker.on("messageerror", (error) => {
      this.#end(this.#failed("a thread could not be heard", error));
    });
    worker.on("error", (error) => this.#end(this.#failed("a thread failed", error)));
    worker.on("exit", (code) => this.#end(this.#failed(`a thread ended with status ${code}`)));
  }

  /** Hands waiting requests to the threads that have the least to do. */
  #give(): void {
    for (let ahead = 0; ahead < GIVEN_AHEAD; ahead++) {
      for (const { worker, given, own } of this.#threads) {
        if (given.length > ahead) continue;
        const job = own.shift() ?? this.#waiting.shift();
        if (job === undefined) continue;
        given.push(job);
        worker.postMessage(job.request, job.transfer);
      }
    }
  }

  /** Ends all threads for one reason, which all that wait are told; later reasons follow from the first. */
  #end(reason: LayerwrightError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    const jobs = [...this.#early.splice(0).map(({ job }) => job), ...this.#waiting.splice(0)];
    for (const { worker, given, own } of this.#threads) {
      jobs.push(...given.splice(0), ...own.splice(0));
      this.#terminated.push(worker.terminate());
    }
    for (const job of jobs) job.reject(reason);
  }

  #failed(state: string, cause?: unknown): LayerwrightError {
    const { code, purpose } = this.#options;
    const details = cause instanceof Error ? [cause.message] : [];
    return new LayerwrightError(code, `Cannot ${purpose}: ${state}`, {
      details,
      cause,
      hint: "build again; nothing was stored",
    });
  }
}

/** The compiled package has a module under another name than the source. */
export function siblingModule(base: string, name: string): URL {
  return new URL(`./${name}.${base.endsWith(".ts") ? "ts" : "js"}`, base);
}

function cancelled(cause: unknown): LayerwrightError {
  return new LayerwrightError("BUILD_CANCELLED", "Cannot go on: the build was cancelled", {
    cause,
  });
}

/** A child process with a private agent, until it is killed. Argument: a key. Prints the socket. */
import process from "node:process";
import { startAgent } from "../../core/execute/private_agent.ts";

const { socket } = await startAgent("test", process.argv.slice(2));
process.stdout.write(`${socket}\n`);
await new Promise(() => setInterval(() => {}, 60_000));

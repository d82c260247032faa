/**
 * Stores and folders that go away with the test that made them.
 *
 * @module
 */
import { join } from "node:path";
import type { DurabilityMode } from "../../core/store/durability.ts";
import { openStore, type Store } from "../../core/store/store.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

/** Runs a test with a new empty folder. */
export async function withTempFolder(
  test: (folder: string) => void | Promise<void>,
): Promise<void> {
  using folder = temporaryDirectory();
  await test(folder.path);
}

/** Runs a test with a new empty store. */
export async function withTempStore(
  test: (store: Store) => void | Promise<void>,
  durability: DurabilityMode = "fast",
): Promise<void> {
  await withTempFolder(async (folder) => {
    using store = openStore({ home: join(folder, "home"), durability });
    await test(store);
  });
}

/** The bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * What every exporter must do, whatever the form it writes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ExportableImage, Exporter, ExportOptions } from "../../core/transfer/exporter.ts";
import { entry, EPOCH_SECONDS, exportableImage } from "../support/exportable_image.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

interface Setting extends Disposable {
  readonly image: ExportableImage;
  /** An empty folder. */
  readonly folder: string;
  export(dest: string, more?: Partial<ExportOptions>): Promise<void>;
  /** Makes the image's files unreadable. */
  breakImage(): void;
}

function settingOf(exporter: Exporter): Setting {
  const directory = temporaryDirectory();
  const [work, folder] = [join(directory.path, "work"), join(directory.path, "folder")];
  for (const path of [work, folder]) mkdirSync(path);
  const image = exportableImage(work, [
    [entry("etc"), entry("etc/motd", "hello")],
    [
      entry("srv"),
      entry("srv/b", "b".repeat(3_000_000)),
      entry("srv/a", { type: "symlink", mode: 0o777, linkTarget: "b" }),
    ],
  ], { tags: ["app:dev"] });
  return {
    image,
    folder,
    export: async (dest, more = {}) =>
      await exporter.export(image, { dest, attributes: {}, epochSeconds: EPOCH_SECONDS, ...more }),
    breakImage: () => rmSync(work, { recursive: true }),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

/** Every path below a folder, with the bytes of files. */
function contents(path: string): [path: string, bytes: string][] {
  if (!statSync(path).isDirectory()) return [["", readFileSync(path, "base64")]];
  return readdirSync(path, { recursive: true, encoding: "utf8" }).sort().map((name) => {
    const stats = statSync(join(path, name));
    return [name, stats.isDirectory() ? "" : readFileSync(join(path, name), "base64")];
  });
}

/** Registers the suite for one exporter. */
export function exporterContract(exporter: Exporter): void {
  const it = `Exporter type=${exporter.type}`;

  test(`${it} makes missing folders, and gives the same bytes each time`, async () => {
    using setting = settingOf(exporter);
    const [first, second] = [join(setting.folder, "a/b/out"), join(setting.folder, "c/out")];
    await setting.export(first);
    await setting.export(second);
    assert.deepEqual(contents(first), contents(second));
    await setting.export(first);
    assert.deepEqual(contents(first), contents(second));
    assert.deepEqual(readdirSync(join(setting.folder, "a/b")), ["out"]);
  });

  test(`${it} leaves nothing when the image cannot be read, and says where it would have gone`, async () => {
    using setting = settingOf(exporter);
    setting.breakImage();
    await assert.rejects(setting.export(join(setting.folder, "out")), {
      code: "EXPORT_FAILED",
      message: /folder\/out/,
    });
    assert.deepEqual(readdirSync(setting.folder), []);
  });

  test(`${it} keeps the last export when the next one fails`, async () => {
    using setting = settingOf(exporter);
    const dest = join(setting.folder, "out");
    await setting.export(dest);
    const before = contents(dest);
    setting.breakImage();
    await assert.rejects(setting.export(dest), { code: "EXPORT_FAILED" });
    assert.deepEqual(contents(dest), before);
    assert.deepEqual(readdirSync(setting.folder), ["out"]);
  });

  const refusals: readonly [
    what: string,
    options: Partial<ExportOptions>,
    code: string,
    message: RegExp,
  ][] = [
    [
      "attributes it does not know, all at once",
      { attributes: { compresion: "gzip", x: "1" } },
      "OPTION_INVALID",
      /"compresion", "x"/,
    ],
    [
      "to go on after the build was cancelled",
      { signal: AbortSignal.abort() },
      "BUILD_CANCELLED",
      /cancelled/,
    ],
    [
      "a place below a file",
      { dest: `${import.meta.filename}/out` },
      "EXPORT_FAILED",
      /exporter_contract\.ts/,
    ],
  ];
  for (const [what, options, code, message] of refusals) {
    test(`${it} refuses ${what}, and writes nothing`, async () => {
      using setting = settingOf(exporter);
      await assert.rejects(setting.export(join(setting.folder, "out"), options), { code, message });
      assert.deepEqual(readdirSync(setting.folder), []);
    });
  }
}

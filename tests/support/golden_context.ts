/**
 * The build context of the golden images: what a checkout may hold, and archives of what none can.
 *
 * @module
 */
import { linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { END, joined, rawMember, rawPax } from "./raw_tar.ts";
import { sampleBytes } from "./sample_bytes.ts";

/** Writes the context; the same whatever the umask. */
export function writeGoldenContext(folder: string): void {
  // Some of the recipes keep modes.
  const umask = process.umask(0o022);
  try {
    writeSources(folder);
    writeOddities(folder);
    for (const [name, bytes] of Object.entries(archives())) {
      writeFileSync(join(folder, name), bytes);
    }
  } finally {
    process.umask(umask);
  }
}

function writeSources(folder: string): void {
  mkdirSync(join(folder, "src/lib/empty"), { recursive: true });
  writeFileSync(join(folder, "src/main.ts"), "console.log(1);\n", { mode: 0o644 });
  writeFileSync(join(folder, "src/run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(folder, "src/lib/ünïcode ☃.txt"), "snow\n", { mode: 0o644 });
  writeFileSync(join(folder, `src/lib/${"long-".repeat(40)}name`), "long\n", { mode: 0o644 });
  // Over one chunk, part of it repetitive, part of it not.
  const bytes = new Uint8Array(3_000_000);
  for (let i = 0, state = 1; i < bytes.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = i % 65_536 < 40_000 ? i % 251 : state >>> 24;
  }
  writeFileSync(join(folder, "src/large.bin"), bytes, { mode: 0o644 });
  linkSync(join(folder, "src/large.bin"), join(folder, "src/lib/hard-link"));
}

function writeOddities(folder: string): void {
  mkdirSync(join(folder, "links/into"), { recursive: true });
  writeFileSync(join(folder, "links/into/b"), "linked\n");
  // Later in the order of bytes than its other name, which thereby becomes the file.
  linkSync(join(folder, "links/into/b"), join(folder, "links/a"));
  symlinkSync("into/b", join(folder, "links/relative"));
  symlinkSync("/etc/passwd", join(folder, "links/absolute"));
  symlinkSync("../../nowhere", join(folder, "links/into/dangling"));
  symlinkSync("t".repeat(150), join(folder, "links/long"));

  mkdirSync(join(folder, "empty"));
  writeFileSync(join(folder, "empty/a"), "");
  writeFileSync(join(folder, "empty/b"), "");

  // Beyond the 1.5 MiB of a chunk, and beyond the 2 MiB that the encoder takes: of what compresses and what does not.
  mkdirSync(join(folder, "large"));
  writeFileSync(join(folder, "large/mixed"), sampleBytes("mixed", 1_800_000, 3));
  writeFileSync(join(folder, "large/random"), sampleBytes("random", 2_300_000));
  writeFileSync(join(folder, "large/zeros"), sampleBytes("zeros", 2_300_000));

  writeFileSync(join(folder, "holes"), "hole:");
  truncateSync(join(folder, "holes"), 3_000_000);

  mkdirSync(join(folder, "times"));
  for (const [name, seconds] of [["old", -86_400], ["epoch", 0], ["new", 4e9]] as const) {
    writeFileSync(join(folder, "times", name), name);
    // A negative number would mean now; a date means what it says.
    const time = new Date(seconds * 1000);
    utimesSync(join(folder, "times", name), time, time);
  }
  utimesSync(join(folder, "times"), 1e9, 1e9);
}

/** Made byte by byte, and not by the codec that they are to pin. */
function archives(): Record<string, Uint8Array> {
  const capability = Uint8Array.of(1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const deep = Array.from({ length: 40 }, (_, index) => `${index}`.padEnd(99, "é-")).join("/");
  return {
    "packed.tar": packed(),
    ...Object.fromEntries(
      Object.entries(PACKED).map((
        [ending, text],
      ) => [`packed.${ending}`, Buffer.from(text, "base64")]),
    ),
    "xattrs.tar": joined(
      rawPax({
        "SCHILY.xattr.security.capability": capability,
        "SCHILY.xattr.user.binary": Uint8Array.of(0, 255, 10, 61),
        "SCHILY.xattr.user.ü": "",
      }),
      rawMember({ name: "ping", mode: 0o755 }, "\x7fELF"),
      rawPax({ "SCHILY.xattr.user.note": "of a directory" }),
      rawMember({ name: "d/", type: "5", mode: 0o755 }),
      END,
    ),
    "devices.tar": joined(
      rawMember({ name: "null", type: "3", mode: 0o666, major: 1, minor: 3 }),
      rawMember({ name: "sda", type: "4", mode: 0o660, gid: 6, major: 8, minor: 0 }),
      rawMember({ name: "pipe", type: "6", mode: 0o600 }),
      END,
    ),
    "names.tar": joined(
      rawPax({ path: deep }),
      rawMember({ name: "deep" }, "4,000 bytes or more down\n"),
      rawMember({ name: `${"p".repeat(100)}/x`, prefix: "q".repeat(120) }, "two fields\n"),
      rawMember({ name: Uint8Array.of(110, 255, 254) }, "no UTF-8\n"),
      rawPax({ linkpath: `${"é".repeat(60)}/target` }),
      rawMember({ name: "to", type: "2" }),
      END,
    ),
    "owners.tar": joined(
      rawMember({ name: "octal", uid: 2_097_151, gid: 2_097_151 }, "o"),
      rawPax({ uid: "2097152", gid: "4294967294", mtime: "-1.5" }),
      rawMember({ name: "pax", mode: 0o6711 }, "p"),
      rawPax({ mtime: "68719476737" }),
      rawMember({ name: "future", mode: 0 }, "f"),
      END,
    ),
  };
}

function packed(): Uint8Array {
  return joined(
    rawMember({ name: "dir/", type: "5", mode: 0o750, mtime: 5 }),
    rawMember({ name: "dir/file", mode: 0o4711, uid: 7, gid: 8, mtime: 9 }, "packed\n"),
    rawMember({ name: "dir/link", type: "2", link: "file" }),
    END,
  );
}

/** `packed()`, compressed by gzip, xz, bzip2 and zstd. */
const PACKED = {
  gz: "H4sIAAAAAAACA+2UOwqAMBBEt/YU3sB83fOIiRAUET/3d1FBsbJZm+xrZopAisdOSHMFzCgCvTqSeOer" +
    "e+q1NxZKDz+wLWsz05eQJ4H8d2mIzP4dan05xjP10zne/XiHFsm/Ev/sTE3bx1CAkO/9D2nsufe/du7j" +
    "/lPXyli6f8M9THL/giBkzA4GqH9lAAwAAA==",
  xz: "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4Av/AHddADIaSqciBJSzSsi8zzuxAKM1XCQp+O/sNrZ0qkBl" +
    "MYHCzHAtFq79+z4l8vgScTWuIVIvKCmPk/ff7DEgUlnqS8o8A132EjsYEqsjkcnwYr6PE2qKho0mPuVT" +
    "uay7bLWRkPTapsIEm5lF+OAqJdbsEksBvMuiC48AAACfSgoIPhFwLgABkwGAGAAAc92rmrHEZ/sCAAAA" +
    "AARZWg==",
  bz2: "QlpoOTFBWSZTWV9+xBUAAGzbgPuQQAD/gABEby1eAAmIIACSiNUNqaAAANGjE9QbVNNRqeppppkybUaa" +
    "ADTnZC+0/K2A0kBeeDLCrG5Pg8U1lbOpgQSNGJmLkpMgqIJBnSKQ0WHYguLbstkZvdmm4Urroaqj2Nc6" +
    "jA8cGbp8jya3FxKYIPgS4qKxGECBC9yCX8XckU4UJBffsQVA",
  zst: "KLUv/WQAC70DAPIEEBKQzwEYfkP13t0nghkhVD3vQAbsdSOFfHxvDHKwn5C9FizmVIrnwjx4DDbsdROy" +
    "1/4rE511T9hCDjrfH/4K2SsWIDAvLCw3/SvARdUAQ8vRAzbx+lQGm8oM+HrNxrgcFzLCA058PuqAKTfA" +
    "v2fIQFCA8ZTfvPNh4Q==",
} as const;

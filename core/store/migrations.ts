/**
 * The tables of the store, as the steps that make them. Steps are only ever appended.
 *
 * @module
 */

/** Each brings the schema from its index to the next version. Times are milliseconds since the epoch. */
export const MIGRATIONS: readonly string[] = [
  `
  -- Tags: canonical reference to descriptor (JSON).
  CREATE TABLE refs (
    name TEXT PRIMARY KEY, descriptor TEXT NOT NULL, updated INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Uncompressed layer tars that are in blobs/ under their DiffID. chunk_lengths: JSON array of bytes.
  CREATE TABLE layers (
    diff_id TEXT PRIMARY KEY, size INTEGER NOT NULL, chunk_lengths TEXT NOT NULL, created INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- The blobs that layers became when they were compressed, by encoder.
  CREATE TABLE encoded (
    diff_id TEXT NOT NULL, encoder TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (diff_id, encoder)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX encoded_by_digest ON encoded (digest);

  -- Results by cache key; preimage and result are JSON.
  CREATE TABLE cache (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, identity TEXT NOT NULL, preimage TEXT NOT NULL,
    result TEXT NOT NULL, compat INTEGER NOT NULL, created INTEGER NOT NULL, used INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX cache_by_identity ON cache (kind, identity, created);

  -- What processes at work need kept. resource '' stands for all that is written while the lease lives.
  CREATE TABLE leases (
    id TEXT NOT NULL, resource TEXT NOT NULL, holder TEXT NOT NULL,
    created INTEGER NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY (id, resource)
  ) STRICT, WITHOUT ROWID;

  -- Builds, running and past; record is JSON.
  CREATE TABLE builds (
    id TEXT PRIMARY KEY, holder TEXT NOT NULL, started INTEGER NOT NULL, finished INTEGER, record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Unpacked trees: snapshots/<number>. unsynced_boot: the boot that wrote it, until it is known to be on disk.
  CREATE TABLE snapshots (
    chain_id TEXT NOT NULL, variant TEXT NOT NULL, number INTEGER NOT NULL UNIQUE, size INTEGER NOT NULL,
    used INTEGER NOT NULL, unsynced_boot TEXT,
    PRIMARY KEY (chain_id, variant)
  ) STRICT, WITHOUT ROWID;

  -- Writers that have not synced yet, and the blobs known to be on disk: see durability.ts.
  CREATE TABLE unsynced_writers (writer TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE synced_blobs (digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  `,
  `
  -- The manifests that images of the store became when they left, by encoder.
  CREATE TABLE encoded_images (
    manifest TEXT NOT NULL, encoder TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (manifest, encoder)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX encoded_images_by_digest ON encoded_images (digest);
  `,
  `
  -- Chunks of layers by what is in them: an equal one of another layer need not be made again.
  CREATE TABLE chunks (
    key TEXT NOT NULL, diff_id TEXT NOT NULL, place INTEGER NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (key, diff_id, place)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX chunks_by_layer ON chunks (diff_id);
  -- The chunks of a blob, in order: see chunk_record.ts.
  ALTER TABLE encoded ADD COLUMN chunks BLOB;
  `,
];

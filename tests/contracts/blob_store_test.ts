import { MemoryBlobStore } from "../../core/store/memory_blob_store.ts";
import { withTempFolder, withTempStore } from "../support/temp_store.ts";
import { blobStoreContract } from "./blob_store_contract.ts";

blobStoreContract(
  "MemoryBlobStore",
  (run) => withTempFolder((folder) => run(new MemoryBlobStore(), folder)),
);
blobStoreContract(
  "FsBlobStore (fast)",
  (run) => withTempStore((store) => run(store.blobs, store.temp.directory), "fast"),
);
blobStoreContract(
  "FsBlobStore (safe)",
  (run) => withTempStore((store) => run(store.blobs, store.temp.directory), "safe"),
);

/** A recipe whose step counts its own runs in a cache mount, and says so when it waits to be interrupted. */
import { cacheMount, type ImageBuilder } from "../../mod.ts";
import { busyboxImage } from "./busybox_image.ts";

const counted = busyboxImage("counted").run("echo run >> /count/runs; sleep 0.3", {
  mounts: [cacheMount("/count")],
});
const waiting = busyboxImage("waiting").run("echo waiting; exec sleep 1000");

const images: Readonly<Record<string, ImageBuilder>> = { counted, waiting };
export default images;

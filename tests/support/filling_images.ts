/**
 * Images whose steps write more than a small disk holds.
 *
 * @module
 */
import type { ImageBuilder } from "../../mod.ts";
import { busyboxImage } from "./busybox_image.ts";

/** One runs out of room in the step; the next when its layer is written; one fits. */
export function fillingImages(): ImageBuilder[] {
  const write = (megabytes: number): ImageBuilder =>
    busyboxImage().run(`dd if=/dev/zero of=/big bs=1048576 count=${megabytes}`);
  return [write(40), write(17), write(1)];
}

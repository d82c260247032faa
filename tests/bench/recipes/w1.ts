/** One COPY of the whole context. */
import { image, type ImageBuilder } from "../../../mod.ts";

const everything: ImageBuilder = image("everything").from("scratch").copy(".", "/");

export default everything;

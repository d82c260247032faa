/** Four stages that each keep one processor busy, and an image of their results. */
import { context, image, type ImageBuilder } from "../../../mod.ts";

const LOOP = "i=0; while [ $i -lt $TURNS ]; do i=$((i+1)); done";
const root = context("./root", { name: "root" });
const base = image("base").from("scratch").copy(".", "/", { from: root });

let branches: ImageBuilder = image("branches").from("scratch");
for (const name of ["a", "b", "c", "d"]) {
  const branch = image(name).from(base).arg("TURNS").run(`${LOOP}; echo ${name} > /${name}`);
  branches = branches.copy(`/${name}`, "/", { from: branch });
}

export default branches;

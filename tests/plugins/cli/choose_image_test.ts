import assert from "node:assert/strict";
import { test } from "node:test";
import { image } from "../../../core/mod.ts";
import { chooseImage } from "../../../plugins/cli/choose_image.ts";

const app = image("app").from("scratch");
const web = image("web").from("scratch");

test("chooseImage() takes a target as an image, a stage, or both", () => {
  const both = new Map([["app", app], ["web", web]]);
  assert.deepEqual(chooseImage(app, undefined), { image: app });
  assert.deepEqual(chooseImage(app, "build"), { image: app, stage: "build" });
  assert.equal(chooseImage(both, "web").image, web);
  assert.deepEqual(chooseImage(both, "web:build"), { image: web, stage: "build" });
  assert.deepEqual(chooseImage(new Map([["web", web]]), undefined), { image: web });
  assert.deepEqual(chooseImage(new Map([["web", web]]), "build"), { image: web, stage: "build" });
  assert.equal(chooseImage(new Map([["a:b", app], ["a", web]]), "a:b").image, app);
});

test("chooseImage() falls back to the image named default", () => {
  const images = new Map([["web", web], ["default", app]]);
  assert.deepEqual(chooseImage(images, undefined), { image: app });
  assert.deepEqual(chooseImage(images, "build"), { image: app, stage: "build" });
});

test("chooseImage() lists the images when it cannot choose", () => {
  const images = new Map([["app", app], ["web", web]]);
  assert.throws(() => chooseImage(images, undefined), {
    code: "TARGET_UNKNOWN",
    details: ['found "app", "web"'],
    hint: 'choose one with --target app, or name one "default"',
  });
  assert.throws(() => chooseImage(images, "wbe"), {
    code: "TARGET_UNKNOWN",
    message: 'Cannot build "wbe": the recipe exports no such image, did you mean "web"?',
  });
});

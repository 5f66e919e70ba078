// Who gets in.

import { accessible, expect, fits, key, open, signIn, test, token } from "./console";

test("without a token there is nothing but a form, which says what is wrong", async ({ page, request }) => {
  expect((await request.get("/api/v1/keys", { headers: { "x-fairlead-console": "1" } })).status()).toBe(401);
  await page.goto("/#/requests");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await accessible(page);
  await page.getByLabel("Admin token").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("this is not the token");
  await page.getByLabel("Admin token").fill(token);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Requests" })).toBeVisible();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("Admin token")).toBeVisible();
  await page.goto("/#/keys");
  await expect(page.getByLabel("Admin token")).toBeVisible();
});

test("whoever holds a key sees what is of the key", async ({ page }) => {
  await signIn(page, "key");
  await open(page, "mine", /^My key default\/demo/);
  await expect(page.getByRole("navigation", { name: "Pages" }).getByRole("link")).toHaveText(["My key", "Requests", "Set up a client"]);
  await expect(page.getByRole("region", { name: "Last requests" }).locator("tbody tr").first()).toContainText("default/demo");
  await accessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page);
  const answers = await page.evaluate(() => Promise.all(["keys", "overview", "providers", "rules", "configuration"].map((name) => fetch(`/api/v1/${name}`, { headers: { "x-fairlead-console": "1" } }).then((answer) => answer.status))));
  expect(answers).toEqual([403, 403, 403, 403, 403]);
});

test("no secret stands in a page or its storage", async ({ page }) => {
  await signIn(page);
  await open(page, "keys", "Keys and spend");
  const held = await page.evaluate(() => document.documentElement.outerHTML + JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie + history.state);
  expect(held).not.toContain(token);
  expect(held).not.toContain(key);
});

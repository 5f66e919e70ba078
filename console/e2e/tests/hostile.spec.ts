// Names and texts that try to be more than text. The load has asked for them as models; nothing of them may run, or turn a page around.

import { accessible, expect, open, signIn, test } from "./console";

test("a name that tries to be markup is shown as it was sent", async ({ page }) => {
  await signIn(page);
  for (const text of ["<img", "<script", "javascript:"]) {
    await open(page, `requests?last=all&text=${encodeURIComponent(text)}`, "Requests");
    const row = page.getByRole("region", { name: "Requests" }).locator("tbody tr").first();
    await expect(row).toContainText(text);
    await row.getByRole("link").first().click();
    await expect(page.locator(".facts")).toContainText(text);
  }
  expect(await page.evaluate(() => document.querySelectorAll("main img, main script, main iframe, main a[href^='javascript']").length)).toBe(0);
  expect(await page.title()).not.toContain("owned");
});

test("what was written is read by a click, masked, and as text", async ({ page }) => {
  await signIn(page);
  await open(page, "requests?last=all&text=%3Cscript", "Requests");
  await page.getByRole("region", { name: "Requests" }).locator("tbody tr").first().getByRole("link").first().click();
  const panel = page.getByRole("region", { name: "Content" });
  await panel.getByRole("button", { name: "Read" }).click();
  await expect(panel).toContainText("<img src=x onerror=");
  await expect(panel).toContainText("[redacted:email]");
  await expect(panel).toContainText("[redacted:customer]");
  await expect(panel).not.toContainText(/jane@|C-123456|\(cut/);
  await expect(panel).toContainText("please.");
  expect(await page.evaluate(() => document.querySelectorAll("main img, main script").length)).toBe(0);
  expect(await page.title()).not.toContain("owned");
  await accessible(page);
});

test("characters that are not seen, or turn others around, stand as escapes", async ({ page }) => {
  await signIn(page);
  await open(page, "requests?last=all&text=turned", "Requests");
  const row = page.getByRole("region", { name: "Requests" }).locator("tbody tr").first();
  await expect(row).toContainText("turned\\u202e");
  const unseen = await page.evaluate(() => /[\u202a-\u202e\u2066-\u2069\u200b-\u200f\u0000-\u0008]/.test(document.body.innerText));
  expect(unseen).toBe(false);
});

test("a page makes no markup out of a text, even if it wanted to", async ({ page, complaints }) => {
  await signIn(page);
  const refused = await page.evaluate(() => {
    try {
      document.createElement("div").innerHTML = "<img src=x>";
      return false;
    } catch {
      return true;
    }
  });
  expect(refused).toBe(true);
  expect(complaints.splice(0)).not.toEqual([]);
});

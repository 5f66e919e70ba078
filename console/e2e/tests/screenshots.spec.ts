// What docs/console.md shows; made only when they are asked for.

import { expect, open, signIn, test } from "./console";

const into = process.env.CONSOLE_SCREENSHOTS;

test("screenshots", async ({ page }) => {
  test.skip(!into, "they are asked for with CONSOLE_SCREENSHOTS=FOLDER");
  await signIn(page);
  for (const [name, title, scheme] of [["overview", "Overview", "light"], ["rules", "Rules", "dark"]] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await open(page, name, title);
    await expect(page.locator("main table").first()).toBeVisible();
    if (name === "rules") await expect(page.getByText(/^took \d/).first()).toBeVisible();
    await page.screenshot({ path: `${into}/${name}.png` });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await open(page, "requests?outcome=recovered&last=all", "Requests");
  await page.getByRole("region", { name: "Requests" }).locator("tbody tr").first().getByRole("link").first().click();
  await expect(page.locator(".timeline")).toBeVisible();
  await page.screenshot({ path: `${into}/request.png` });
  await open(page, "requests?last=all&text=turned", "Requests");
  await page.getByRole("region", { name: "Requests" }).locator("tbody tr").first().getByRole("link").first().click();
  const content = page.getByRole("region", { name: "Content" });
  await content.getByRole("button", { name: "Read" }).click();
  await expect(content).toContainText("[redacted:customer]");
  await content.screenshot({ path: `${into}/content.png` });
});

package browser_test

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	simpush "toban/sim/push"
)

// allow says how this tab's browser answers when a page asks for notifications.
func (b *tab) allow(setting browser.PermissionSetting) {
	b.t.Helper()
	params := browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "notifications"}, Setting: setting, Origin: b.base,
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
	}
	if _, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, params); err != nil {
		b.t.Fatal(err)
	}
}

func TestThisDeviceIsUsedOnlyAfterAPress(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	b := h.owner().at(t, phone())
	b.speak("ja")
	b.allow(browser.PermissionSettingDenied)
	b.visit("/me")
	b.ready()
	b.until(`document.querySelector('[data-module="push"]').dataset.now === "blocked"`)
	if eval[bool](b, `document.querySelector("[data-use]").checkVisibility()`) {
		t.Error("a browser that blocks notifications is offered a button that can do nothing")
	}
	b.sound()
	b.shoot("me-blocked.ja.light.390")
}

// A headless browser has no push service, so the one of the simulator takes its
// place: everything on this side of it is real.
func TestThisDeviceBecomesOneOfMine(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	b := h.owner().at(t, phone())
	b.speak("ja")
	b.allow(browser.PermissionSettingGranted)
	b.visit("/me")
	b.ready()
	key := eval[string](b, `document.querySelector('[data-module="push"]').dataset.key`)
	service := simpush.New(simpush.Options{})
	device, err := service.NewSubscription(key)
	if err != nil {
		t.Fatal(err)
	}
	mine := device.Subscription()
	standIn := `(() => {
		let kept = null;
		const made = { endpoint: ` + quote(mine.Endpoint) + `, options: {}, toJSON: () => (` + toJSON(t, mine) + `), unsubscribe: async () => ((kept = null), true) };
		PushManager.prototype.getSubscription = async () => kept;
		PushManager.prototype.subscribe = async (o) => { if (!o.userVisibleOnly) throw new Error("silent"); return (kept = made); };
	})()`
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: standIn}); err != nil {
		t.Fatal(err)
	}
	b.visit("/me")
	b.ready()
	b.until(`document.querySelector('[data-module="push"]').dataset.now === "off"`)
	b.click("[data-use]")
	b.until(`document.querySelector('[data-module="push"]').dataset.now === "on"`)
	eval[bool](b, `window.mark = true`)
	b.visit("/me")
	b.ready()
	b.until(`document.querySelector("#devices li, #devices [data-device]")`)
	b.sound()
	b.shoot("me-device.ja.light.390")
}

package web_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"toban/access"
)

func TestOnesOwnPageShowsHowOneIsReached(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("matsu", access.Responder)
	page := b.page("/me")
	has(t, page, "松", "Contact methods", "+81 •••• 01", "Verified", "Notification rules", "after 2 min", "Next shifts", "On call", "toban.yaml:", `data-module="push"`, `data-key="`)
	hasNot(t, page, "+819000000001", "matsu@example.jp")
	b.lang = "ja"
	has(t, b.page("/me"), "連絡手段", "確認済み", "2分後", "当番中")
	has(t, b.page("/"), "infra の当番中")
	has(t, h.browser("root.admin", access.Admin).page("/me"), "is no user of the configuration")
}

func TestPreferencesArePartOfTheAccount(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser("ume", access.Viewer)
		b.post("/me/preferences", "language", "ja", "theme", "dark", "zone", "Asia/Tokyo")
		has(t, b.page("/me"), `lang="ja"`, `data-theme="dark"`, `data-zone="Asia/Tokyo"`, "表示の設定を変えました")
		got := b.post("/me/preferences", "language", "xx", "theme", "", "zone", "Nowhere/Else")
		if got.status != http.StatusBadRequest {
			t.Errorf("a language that there is not = %d, want 400", got.status)
		}
		has(t, got.body, `aria-invalid="true"`)
		b.post("/me/preferences", "language", "", "theme", "", "zone", "")
		has(t, b.page("/me"), `lang="en"`, `data-zone="Europe/London"`)
	})
}

func TestAPasswordIsChangedWithTheOldOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Viewer)
	has(t, b.post("/me/password", "old", "wrong", "password", "another-good-one", "again", "another-good-one").body, "The present password is another")
	has(t, b.post("/me/password", "old", password, "password", "short", "again", "short").body, "at least 10 characters")
	has(t, b.post("/me/password", "old", password, "password", "another-good-one", "again", "other").body, "not the same")
	if got := b.post("/me/password", "old", password, "password", "another-good-one", "again", "another-good-one"); got.status != http.StatusSeeOther {
		t.Fatalf("= %d\n%s", got.status, text(got.body))
	}
	has(t, b.page("/me"), "The password is changed")
	if got := h.browser("", "").post("/login", "account", "ume", "password", "another-good-one"); got.status != http.StatusSeeOther {
		t.Errorf("signing in with the new one = %d", got.status)
	}
}

func TestABrowserBecomesADeviceAndIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser("ume", access.Viewer)
		key, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		device := map[string]any{
			"endpoint": "https://push.example.com/send/1", "agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1",
			"keys": map[string]string{"p256dh": base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()), "auth": base64.RawURLEncoding.EncodeToString(make([]byte, 16))},
		}
		if got := b.json(http.MethodPost, "/me/devices", device); got.status != http.StatusCreated {
			t.Fatalf("POST /me/devices = %d %s", got.status, got.body)
		}
		has(t, b.page("/me"), "Safari · iPhone")
		if got := b.json(http.MethodDelete, "/me/devices", map[string]any{"endpoint": device["endpoint"]}); got.status != http.StatusNoContent {
			t.Errorf("DELETE = %d %s", got.status, got.body)
		}
		hasNot(t, b.page("/me"), "Safari · iPhone")
		for _, bad := range []any{map[string]any{"endpoint": "http://"}, map[string]any{}, "text", []int{1}, map[string]any{"endpoint": strings.Repeat("x", 20<<10)}} {
			if got := b.json(http.MethodPost, "/me/devices", bad); got.status != http.StatusBadRequest || !strings.Contains(got.body, `"code"`) {
				t.Errorf("%.60v = %d %s, want 400", bad, got.status, got.body)
			}
		}
		if got := h.browser("root.admin", access.Admin).json(http.MethodPost, "/me/devices", device); got.status != http.StatusConflict {
			t.Errorf("a device of nobody = %d, want 409", got.status)
		}
	})
}

func (b *browser) json(method, path string, v any) answer {
	b.h.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		b.h.t.Fatal(err)
	}
	return b.send(method, path, string(body), "Content-Type", "application/json", "Accept", "application/json", "Sec-Fetch-Site", "same-origin")
}

func TestTheAppCanBeInstalled(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "/ops")
	b := h.browser("", "")
	got := b.get("/manifest.webmanifest")
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "application/manifest+json") {
		t.Fatalf("the manifest = %d %s", got.status, got.header.Get("Content-Type"))
	}
	has(t, got.body, `"start_url":"/ops/"`, `"scope":"/ops/"`)
	if got := b.get("/sw.js"); got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/javascript") {
		t.Errorf("the worker = %d %s", got.status, got.header.Get("Content-Type"))
	}
	has(t, b.page("/offline?lang=ja"), `lang="ja"`, "%SEEN%")
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	got := b.post("/incidents", "service", "search", "title", strings.Repeat("x", 2<<20))
	if got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("2 MiB = %d, want 413", got.status)
	}
	if got := b.send(http.MethodPost, "/incidents", "%zz", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"); got.status != http.StatusBadRequest {
		t.Errorf("a broken form = %d, want 400", got.status)
	}
}

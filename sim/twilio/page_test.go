package twilio_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/sim/twilio"
)

var update = flag.Bool("update", false, "write the golden files anew")

// visit asks the server in process.
func (w *world) visit(t *testing.T, method, path, accept, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	if !strings.HasPrefix(body, "{") && !strings.HasPrefix(body, "[") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := w.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestThePageShowsWhoIsRungAndWhatIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *twilio.Options) { o.Zone = time.FixedZone("JST", 9*60*60) })
		w.Phone(matsu).Next(twilio.Busy())
		w.call(t, wish(matsu))
		w.call(t, wish(take))
		w.Phone("+819000000003").Always(twilio.Answer(0))
		w.app.reply("/menu", say(`<Response><Gather><Say language="ja-JP">「決済」 &lt;b&gt; です</Say><Say>press one</Say></Gather></Response>`))
		w.call(t, wish("+819000000003"))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		for _, lang := range []string{"en", "ja"} {
			res, got := w.visit(t, http.MethodGet, "/sim/phones?lang="+lang, "text/html", "")
			if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
				t.Errorf("CSP = %q", csp)
			}
			golden := "testdata/phones." + lang + ".html"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
		}
	})
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.visit(t, http.MethodGet, "/sim/phones", "text/html", "")
	for _, want := range []string{"simulated — nothing leaves this machine", "松", `http-equiv="refresh"`, "width=device-width"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, unwanted := range []string{"style=", "<style", "onclick", "http://", "https://", "<script>"} {
		if strings.Contains(page, unwanted) {
			t.Errorf("the page has %q", unwanted)
		}
	}
	for file, kind := range map[string]string{"phones.css": "text/css", "phones.js": "text/javascript"} {
		res, text := w.visit(t, http.MethodGet, "/sim/twilio/static/"+file, "*/*", "")
		if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), kind) || text == "" {
			t.Errorf("%s: %d %s", file, res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
	if _, css := w.visit(t, http.MethodGet, "/sim/twilio/static/phones.css", "*/*", ""); !strings.Contains(css, "light-dark(") || !strings.Contains(css, "prefers-reduced-motion") {
		t.Error("the style has no dark mode, or shakes everybody")
	}
}

func TestThePageWorksWithFormsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call(t, wish(matsu))
		synctest.Wait()
		for _, step := range []struct{ action, body string }{{"answer", "lang=ja"}, {"press", "lang=ja&digits=1"}, {"hangup", "lang=ja"}, {"answer", "lang=ja"}} {
			res, _ := w.visit(t, http.MethodPost, "/sim/twilio/numbers/"+matsu+"/"+step.action, "text/html", step.body)
			if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "../../../phones?lang=ja" {
				t.Errorf("%s: %d to %q", step.action, res.StatusCode, res.Header.Get("Location"))
			}
			synctest.Wait()
		}
		if c, _ := w.Phone(matsu).Last(); c.Keys() != "1" || c.Status != twilio.StatusCompleted {
			t.Errorf("keys %q, %s; want 1, completed", c.Keys(), c.Status)
		}
	})
}

func TestScriptsComeAsJSON(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		path := "/sim/twilio/numbers/" + matsu + "/script"
		for body, want := range map[string]int{
			`{"outcome":"asleep"}`: 400, `{"wait":"1s"}`: 400, `{"after":"-1s"}`: 400, `{"after":"soon"}`: 400, `{`: 400, `[]`: 400, `{} {}`: 400,
			`{"keys":[{"digits":"x"}]}`: 400, `{"sip":9999}`: 400, `{"as":"completed"}`: 400, `{"fault":{"status":200}}`: 400,
			`{"fault":{"on":"nothing"}}`: 400, `{"callbacks":[{"do":"explode"}]}`: 400, `{"callbacks":[{"on":"x","do":"lost"}]}`: 400,
		} {
			if res, text := w.visit(t, http.MethodPost, path, "*/*", body); res.StatusCode != want || text == "" {
				t.Errorf("%s: %d %q, want %d", body, res.StatusCode, text, want)
			}
		}
		for _, body := range []string{
			`[{"outcome":"busy"},{"outcome":"answer","after":"2s","keys":[{"digits":"1","after":"1s"}],"callbacks":[{"on":"ringing","do":"lost"}]}]`,
			`{"outcome":"decline","as":"no-answer","sip":480,"fault":{"status":503,"after":true}}`,
		} {
			if res, text := w.visit(t, http.MethodPost, path, "*/*", body); res.StatusCode != 204 {
				t.Fatalf("%s: %d %s", body, res.StatusCode, text)
			}
		}
		if res, _ := w.visit(t, http.MethodPost, path+"?always", "*/*", `{"outcome":"no-answer"}`); res.StatusCode != 204 {
			t.Fatal("always was refused")
		}
		if res, _ := w.visit(t, http.MethodPost, "/sim/twilio/faults", "*/*", `{"on":"list","status":500}`); res.StatusCode != 204 {
			t.Fatal("the fault was refused")
		}
		if _, err := w.api.ListCall(nil); code(err) != 20500 {
			t.Errorf("list: %v, want 20500", err)
		}
		for i, want := range []twilio.Status{"busy", "completed", "no-answer", "no-answer"} {
			_, err := w.api.CreateCall(wish(matsu))
			if i == 2 && code(err) != 20500 {
				t.Errorf("third: %v, want 20500", err)
			}
			c, err := w.Phone(matsu).Ended(t.Context(), i+1)
			if err != nil || c.Status != want {
				t.Fatalf("call %d = %s (%v), want %s", i, c.Status, err, want)
			}
		}
		var phones []map[string]any
		_, text := w.visit(t, http.MethodGet, "/sim/twilio/phones.json", "*/*", "")
		if err := json.Unmarshal([]byte(text), &phones); err != nil || len(phones) != 2 || phones[0]["name"] != "松" || phones[0]["calls"] != 4.0 {
			t.Errorf("phones = %s (%v)", text, err)
		}
		var calls []twilio.Call
		_, text = w.visit(t, http.MethodGet, "/sim/twilio/calls.json", "*/*", "")
		if err := json.Unmarshal([]byte(text), &calls); err != nil || !cmp.Equal(calls[1].Keys(), "1") {
			t.Errorf("calls = %s (%v)", text, err)
		}
		if res, _ := w.visit(t, http.MethodDelete, path, "*/*", ""); res.StatusCode != 204 {
			t.Error("the scripts were not cleared")
		}
	})
}

func TestAScriptSurvivesJSON(t *testing.T) {
	t.Parallel()
	want := twilio.Press("1", 1500*time.Millisecond).Then("9", time.Second).
		With(twilio.TooMany(time.Second)).But(twilio.Late("completed", time.Minute), twilio.Lost(""))
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got twilio.Script
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", text, diff)
	}
}

func TestAnotherSitesPagePressesNoKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, _ := http.NewRequest(http.MethodPost, "http://127.0.0.1/sim/twilio/numbers/"+matsu+"/answer", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if res, err := w.Transport().RoundTrip(r); err != nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("answer = %v (%v), want 403", res, err)
	}
	if res, _ := w.visit(t, http.MethodPost, "/sim/twilio/numbers/"+matsu+"/answer", "*/*", ""); res.StatusCode != http.StatusConflict {
		t.Errorf("a quiet phone was answered: %d, want 409", res.StatusCode)
	}
}

func TestOverTheNetwork(t *testing.T) {
	t.Parallel()
	callbacks := &app{}
	there := httptest.NewServer(callbacks)
	defer there.Close()
	s := twilio.New(twilio.Options{Pace: 0.01, CallsPerSecond: 100})
	here := httptest.NewServer(http.StripPrefix("/mounted", s))
	defer here.Close()
	defer s.Close() // first: it ends the stream

	stream, err := http.Get(here.URL + "/mounted/sim/twilio/live?lang=en")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	drawn := func(what string) {
		for lines.Scan() {
			if strings.Contains(lines.Text(), what) {
				return
			}
		}
		t.Fatalf("the stream ended before %q: %v", what, lines.Err())
	}
	drawn("No phone is known yet")

	s.Phone(matsu).Always(twilio.Press("1", time.Second))
	form := url.Values{"To": {matsu}, "From": {twilio.DemoNumber}, "Url": {there.URL + "/menu"}, "StatusCallback": {there.URL + "/status"}}
	r, _ := http.NewRequest(http.MethodPost, here.URL+"/mounted/2010-04-01/Accounts/"+twilio.DemoSID+"/Calls.json", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(twilio.DemoSID, twilio.DemoToken)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("create = %d, want 201", res.StatusCode)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := s.Phone(matsu).Ended(ctx, 1)
	if err != nil || c.Keys() != "1" || len(c.Notes) != 0 {
		t.Fatalf("call = %+v (%v)", c, err)
	}
	drawn("answered and over")

	s.Fault(twilio.Fault{Drop: true})
	if res, err := http.Get(here.URL + "/mounted" + "/2010-04-01/Accounts/" + twilio.DemoSID + "/Calls.json"); err == nil {
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("without a token: %d", res.StatusCode)
		}
	}
	s.Phone(take).Next(twilio.Answer(0))
	form.Set("To", take)
	form.Set("Url", "http://127.0.0.1:1/menu") // nobody listens there
	r, _ = http.NewRequest(http.MethodPost, here.URL+"/mounted/2010-04-01/Accounts/"+twilio.DemoSID+"/Calls.json", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(twilio.DemoSID, twilio.DemoToken)
	if res, err := http.DefaultClient.Do(r); err == nil {
		res.Body.Close()
		t.Errorf("the dropped request was answered: %d", res.StatusCode)
	}
	if res, err = http.DefaultClient.Do(remade(r, form)); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if c, err = s.Phone(take).Ended(ctx, 1); err != nil || len(c.Notes) != 1 || c.Notes[0].Code != 11205 {
		t.Errorf("call = %+v (%v), want a note 11205", c, err)
	}
	http.DefaultClient.CloseIdleConnections()
	if fmt.Sprint(c.Status) != "completed" {
		t.Errorf("status = %s", c.Status)
	}
}

func remade(r *http.Request, form url.Values) *http.Request {
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(strings.NewReader(form.Encode()))
	return again
}

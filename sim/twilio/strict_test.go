package twilio_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"toban/sim/twilio"
)

// raw sends a request as the account and returns status and body.
func (w *world) raw(t *testing.T, method, path, user, password string, form url.Values) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequest(method, "https://api.twilio.example"+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	res, err := w.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Fatalf("%s %s: %d is not JSON: %v", method, path, res.StatusCode, err)
	}
	return res.StatusCode, body
}

const callsPath = "/2010-04-01/Accounts/" + sid + "/Calls.json"

func TestWhatTheProviderRefusesIsRefused(t *testing.T) {
	t.Parallel()
	good := url.Values{"To": {matsu}, "From": {own}, "Url": {base + "/menu"}}
	for _, tc := range []struct {
		name string
		set  url.Values // nil value: left out
		code float64
	}{
		{"no To", url.Values{"To": nil}, 21201},
		{"no From", url.Values{"From": nil}, 21213},
		{"no Url", url.Values{"Url": nil}, 21205},
		{"relative Url", url.Values{"Url": {"/menu"}}, 21205},
		{"Url without host", url.Values{"Url": {"https:///menu"}}, 21205},
		{"Url of another scheme", url.Values{"Url": {"ftp://toban.example.jp/"}}, 21205},
		{"underscore in the host", url.Values{"Url": {"https://my_host.example.jp/"}}, 21205},
		{"long Url", url.Values{"Url": {base + "/" + strings.Repeat("x", 4000)}}, 21205},
		{"fallback not absolute", url.Values{"FallbackUrl": {"menu"}}, 21205},
		{"To not E.164", url.Values{"To": {"09000000001"}}, 21211},
		{"To with letters", url.Values{"To": {"+8190abc00001"}}, 21211},
		{"To too long", url.Values{"To": {"+8190000000010000"}}, 21211},
		{"From not E.164", url.Values{"From": {"toban"}}, 21212},
		{"From of somebody else", url.Values{"From": {"+815000000099"}}, 21210},
		{"magic: invalid To", url.Values{"To": {"+15005550001"}}, 21217},
		{"magic: can't be reached", url.Values{"To": {"+15005550002"}}, 21214},
		{"magic: country is off", url.Values{"To": {"+15005550003"}}, 21215},
		{"magic: blocked", url.Values{"To": {"+15005550004"}}, 21216},
		{"magic: invalid From", url.Values{"From": {"+15005550001"}}, 21212},
		{"Timeout 0", url.Values{"Timeout": {"0"}}, 20001},
		{"Timeout 601", url.Values{"Timeout": {"601"}}, 20001},
		{"Timeout with a unit", url.Values{"Timeout": {"25s"}}, 20001},
		{"TimeLimit too long", url.Values{"TimeLimit": {"86401"}}, 20001},
		{"events joined by a space", url.Values{"StatusCallbackEvent": {"initiated ringing"}}, 21626},
		{"an event that does not exist", url.Values{"StatusCallbackEvent": {"initiated", "busy"}}, 21626},
		{"StatusCallback not absolute", url.Values{"StatusCallback": {"status"}}, 21609},
		{"Method PUT", url.Values{"Method": {"PUT"}}, 20001},
		{"Twiml too long", url.Values{"Url": nil, "Twiml": {strings.Repeat("x", 4001)}}, 20001},
		{"SendDigits with letters", url.Values{"SendDigits": {"12x"}}, 21206},
		{"SendDigits too long", url.Values{"SendDigits": {strings.Repeat("1", 33)}}, 21206},
		{"MachineDetection Maybe", url.Values{"MachineDetection": {"Maybe"}}, 20001},
		{"AsyncAmd yes", url.Values{"AsyncAmd": {"yes"}}, 20001},
		{"silence out of range", url.Values{"MachineDetectionSilenceTimeout": {"100"}}, 20001},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			form := maps.Clone(good)
			maps.Copy(form, tc.set)
			maps.DeleteFunc(form, func(_ string, values []string) bool { return values == nil })
			status, body := w.raw(t, http.MethodPost, callsPath, sid, token, form)
			if status != 400 || body["code"] != tc.code || body["status"] != 400.0 || body["message"] == "" {
				t.Errorf("answer = %d %v, want 400 with code %v", status, body, tc.code)
			}
			if info, _ := body["more_info"].(string); !strings.HasPrefix(info, "https://www.twilio.com/docs/errors/") {
				t.Errorf("more_info = %q", info)
			}
			if calls := w.Calls(); len(calls) != 0 {
				t.Errorf("a refused request made calls: %v", calls)
			}
		})
	}
}

func TestOnlyTheAccountMayAct(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct {
		name, user, password string
		status               int
	}{
		{"nobody", "", "", 401},
		{"wrong token", sid, "wrong", 401},
		{"another account", "AC00", token, 401},
		{"the token", sid, token, 200},
		{"the token before the rotation", sid, "oldoldold", 200},
		{"an API key", "SK01", "secret", 200},
		{"an API key with a wrong secret", "SK01", "wrong", 401},
	} {
		if got, body := w.raw(t, http.MethodGet, callsPath, tc.user, tc.password, nil); got != tc.status || got == 401 && body["code"] != 20003.0 {
			t.Errorf("%s: %d %v, want %d", tc.name, got, body, tc.status)
		}
	}
	for _, path := range []string{"/2010-04-01/Accounts/" + sid + "/Calls/CA00.json", "/2010-04-01/Accounts/" + sid + "/Nothing.json"} {
		if got, body := w.raw(t, http.MethodGet, path, sid, token, nil); got != 404 || body["code"] != 20404.0 {
			t.Errorf("%s: %d %v, want 404 20404", path, got, body)
		}
	}
}

func TestARotatedTokenSignsTheNextCallback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Phone(matsu).Next(twilio.AnswerAndHangUp(time.Second, time.Minute))
		w.app.reply("/menu", say(`<Response><Pause length="100"/></Response>`))
		w.call(t, wish(matsu))
		time.Sleep(10 * time.Second)
		if !w.Rotate(sid, "newtoken") || w.Rotate("AC00", "x") {
			t.Error("Rotate does not know its accounts")
		}
		w.ended(t)
		synctest.Wait()
		hits := w.app.got("/status")
		if !hits[0].signed || hits[3].signed {
			t.Error("want the old token before the rotation and another one after it")
		}
		if _, err := w.api.CreateCall(wish(matsu)); err != nil {
			t.Errorf("the old token is not accepted any more: %v", err)
		}
	})
}

func TestTheResourceHasTheRealMembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app.reply("/menu", say(`<Response><Pause length="100"/></Response>`))
		w.Phone(matsu).Next(twilio.AnswerAndHangUp(2*time.Second, 61*time.Second))
		form := url.Values{"To": {matsu}, "From": {own}, "Url": {base + "/menu"}}
		status, made := w.raw(t, http.MethodPost, callsPath, sid, token, form)
		id, _ := made["sid"].(string)
		if status != 201 || len(id) != 34 || !strings.HasPrefix(id, "CA") {
			t.Fatalf("create: %d %v", status, made)
		}
		path := "/2010-04-01/Accounts/" + sid + "/Calls/" + id
		want := map[string]any{
			"sid": id, "account_sid": sid, "to": matsu, "to_formatted": matsu, "from": own, "from_formatted": own,
			"status": "queued", "start_time": nil, "end_time": nil, "duration": nil, "price": nil, "price_unit": "USD",
			"direction": "outbound-api", "answered_by": nil, "api_version": "2010-04-01", "queue_time": "0",
			"date_created": nil, "date_updated": nil, "parent_call_sid": nil, "phone_number_sid": "PN0123456789abcdef0123456789abcdef",
			"forwarded_from": nil, "caller_name": nil, "group_sid": nil, "trunk_sid": nil, "annotation": nil, "uri": path + ".json",
			"subresource_uris": map[string]any{"notifications": path + "/Notifications.json", "recordings": path + "/Recordings.json"},
		}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		w.ended(t)
		_, ended := w.raw(t, http.MethodGet, path+".json", sid, token, nil)
		want["status"], want["duration"], want["price"] = "completed", "61", "-0.15000"
		want["start_time"], want["date_created"] = "Sat, 01 Jan 2000 00:00:00 +0000", "Sat, 01 Jan 2000 00:00:00 +0000"
		want["end_time"], want["date_updated"] = "Sat, 01 Jan 2000 00:01:03 +0000", "Sat, 01 Jan 2000 00:01:03 +0000"
		if diff := cmp.Diff(want, ended); diff != "" {
			t.Errorf("ended (-want +got):\n%s", diff)
		}
	})
}

func TestR23_ALostAnswerIsFoundInTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Phone(matsu).Always(twilio.Busy())
		w.Phone(take).Always(twilio.Busy())
		w.call(t, wish(matsu))
		time.Sleep(time.Hour)
		since := time.Now()
		w.Phone(matsu).Next(twilio.Ring().With(twilio.DropAfter()))
		if _, err := w.api.CreateCall(wish(matsu)); err == nil {
			t.Fatal("the answer was not lost")
		}
		w.call(t, wish(take))
		time.Sleep(time.Second) // both leave the queue
		found, err := w.api.ListCall((&api.ListCallParams{}).SetTo(matsu).SetFrom(own).SetStartTimeAfter(since))
		if err != nil || len(found) != 1 || *found[0].Status != "ringing" {
			t.Fatalf("found %+v (%v), want the ringing call", found, err)
		}
		for name, p := range map[string]*api.ListCallParams{
			"by status":   (&api.ListCallParams{}).SetStatus("ringing"),
			"by day":      (&api.ListCallParams{}).SetTo(take).SetStartTime(since),
			"started yet": (&api.ListCallParams{}).SetStartTimeBefore(since.Add(-time.Second)),
		} {
			if found, err := w.api.ListCall(p); err != nil || len(found) != 1 {
				t.Errorf("%s: %d calls (%v), want 1", name, len(found), err)
			}
		}
		for _, q := range []string{"?StartTime%3E=2000-01-01", "?StartTime>=2000-01-01", "?StartTime=2000-01-01"} {
			if _, body := w.raw(t, http.MethodGet, callsPath+q, sid, token, nil); len(body["calls"].([]any)) != 3 {
				t.Errorf("%s: %d calls, want all three", q, len(body["calls"].([]any)))
			}
		}
		for _, q := range []string{"?StartTime=yesterday", "?Status=asleep", "?PageSize=0", "?Page=2"} {
			if status, _ := w.raw(t, http.MethodGet, callsPath+q, sid, token, nil); status != 400 {
				t.Errorf("%s: %d, want 400", q, status)
			}
		}
	})
}

func TestAQueuedCallHasNoStartTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *twilio.Options) { o.CallsPerSecond = 0.1 })
		w.call(t, wish(take))
		w.call(t, wish(matsu))
		synctest.Wait()
		byTime, _ := w.api.ListCall((&api.ListCallParams{}).SetTo(matsu).SetStartTimeAfter(time.Now().Add(-time.Hour)))
		byNumber, _ := w.api.ListCall((&api.ListCallParams{}).SetTo(matsu))
		if len(byTime) != 0 || len(byNumber) != 1 {
			t.Errorf("found %d by time and %d by number, want 0 and 1", len(byTime), len(byNumber))
		}
	})
}

func TestPagesFollowTheirLinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Phone(matsu).Always(twilio.Busy())
		var want []string
		for range 7 {
			want = append([]string{w.call(t, wish(matsu))}, want...)
		}
		var got []string
		next := callsPath + "?To=" + url.QueryEscape(matsu) + "&PageSize=3"
		for pages := 0; next != "" && pages < 5; pages++ {
			_, body := w.raw(t, http.MethodGet, next, sid, token, nil)
			for _, c := range body["calls"].([]any) {
				got = append(got, c.(map[string]any)["sid"].(string))
			}
			w.call(t, wish(matsu)) // a new call does not shift the pages
			next, _ = body["next_page_uri"].(string)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages (-want +got):\n%s", diff)
		}
	})
}

func TestTheLogTellsWhetherAnythingCameAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Phone(matsu).Always(twilio.Busy())
		w.call(t, wish(matsu))
		time.Sleep(time.Second)
		after := time.Now()
		if got := w.RequestsSince(after); len(got) != 0 {
			t.Errorf("requests after = %v, want none", got)
		}
		id := w.call(t, wish(matsu))
		got := w.RequestsSince(after)
		if len(got) != 1 || got[0].CallSID != id || got[0].Status != 201 || got[0].Form.Get("To") != matsu || !got[0].At.Equal(after) {
			t.Errorf("requests after = %+v, want the one", got)
		}
	})
}

func TestAClosedServerMakesNoCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call(t, wish(matsu))
		synctest.Wait()
		w.Close()
		if _, err := w.api.CreateCall(wish(matsu)); code(err) != 20503 {
			t.Errorf("create after Close: %v, want 20503", err)
		}
		if err := w.Wait(t.Context(), func() bool { return false }); err == nil {
			t.Error("Wait goes on after Close")
		}
	})
}

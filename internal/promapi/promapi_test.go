package promapi

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// prometheus answers in process.
type prometheus func(r *http.Request, form url.Values) (status int, body string)

func (p prometheus) RoundTrip(r *http.Request) (*http.Response, error) {
	form := r.URL.Query()
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if form, err = url.ParseQuery(string(text)); err != nil {
			return nil, err
		}
	}
	status, body := p(r, form)
	if status == 0 { // it never answers
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func says(status int, body string) *Client {
	return New("http://prometheus.example.jp/x/", prometheus(func(*http.Request, url.Values) (int, string) { return status, body }))
}

func moment() time.Time { return time.Date(2026, 11, 20, 15, 4, 5, 500e6, time.UTC) }

func TestAQueryIsAskedAndItsSeriesAreRead(t *testing.T) {
	t.Parallel()
	var asked url.Values
	c := New("http://prometheus.example.jp/x/", prometheus(func(r *http.Request, form url.Values) (int, string) {
		if got, want := r.Method+" "+r.URL.String(), "POST http://prometheus.example.jp/x/api/v1/query_range"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		asked = form
		return 200, `{"status":"success","data":{"resultType":"matrix","result":[
			{"metric":{"__name__":"up","job":"a"},"values":[[1700000000.5,"1"],[1700000015,"NaN"],[1700000030,"+Inf"]]},
			{"metric":{"__name__":"h"},"histograms":[[1700000000,{}]]}]}}`
	}))
	got, err := c.Range(t.Context(), "up", moment().Add(-time.Hour), moment(), 1500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"query": {"up"}, "start": {"1795183445.500"}, "end": {"1795187045.500"}, "step": {"1.5"}, "timeout": {"10s"}, "limit": {"501"}}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if len(got.Series) != 1 || got.Histograms != 1 || got.More {
		t.Fatalf("got %+v, want one series and one histogram", got)
	}
	series := got.Series[0]
	if name := series.Name(); name != `up{job="a"}` {
		t.Errorf("got %s", name)
	}
	if p := series.Points; len(p) != 3 || p[0].Value != 1 || p[0].At.UnixMilli() != 1700000000500 || !math.IsNaN(p[1].Value) || !math.IsInf(p[2].Value, 1) {
		t.Errorf("got %v", p)
	}
}

func TestEveryKindOfAnswerIsRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		data string
		want Answer
	}{
		{`{"resultType":"scalar","result":[1700000000,"3.5"]}`, Answer{Type: "scalar", Series: []Series{{Labels: map[string]string{}, Points: []Point{{time.Unix(1700000000, 0).UTC(), 3.5}}}}}},
		{`{"resultType":"string","result":[1700000000,"hello"]}`, Answer{Type: "string", Text: "hello"}},
		{`{"resultType":"vector","result":[{"metric":{},"value":[1700000000,"1"]}]}`, Answer{Type: "vector", Series: []Series{{Labels: map[string]string{}, Points: []Point{{time.Unix(1700000000, 0).UTC(), 1}}}}}},
		{`{"resultType":"vector","result":[]}`, Answer{Type: "vector"}},
	} {
		got, err := says(200, `{"status":"success","data":`+tc.data+`}`).Query(t.Context(), "x", moment())
		if err != nil {
			t.Errorf("%s: %v", tc.data, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.data, diff)
		}
	}
	many := strings.TrimSuffix(strings.Repeat(`{"metric":{"a":"b"},"value":[1,"1"]},`, MaxSeries+1), ",")
	got, err := says(200, `{"status":"success","data":{"resultType":"vector","result":[`+many+`]}}`).Query(t.Context(), "x", moment())
	if err != nil || !got.More || len(got.Series) != MaxSeries {
		t.Errorf("got %d series, more: %v, %v, want the bound", len(got.Series), got.More, err)
	}
}

func TestAnErrorOfAQueryHasItsPlace(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		said, query string
		text        string
		at          int // -1 = none
	}{
		{`invalid parameter \"query\": 1:8: parse error: unexpected end of input`, "rate(up", "unexpected end of input", 7},
		{`1:1: parse error: unknown function with name \"rat\"`, "rat(up)", `unknown function with name "rat"`, 0},
		{`invalid parameter \"query\": 2:3: parse error: bad`, "up\n+ }", "bad", 5},
		{`invalid parameter \"query\": 9:1: parse error: bad`, "up", "bad", -1},
		{`invalid parameter \"query\": 1:99: parse error: bad`, "up", "bad", 2},
		{`found duplicate series for the match group`, "a*b", "found duplicate series for the match group", -1},
	} {
		_, err := says(400, `{"status":"error","errorType":"bad_data","error":"`+tc.said+`"}`).Query(t.Context(), tc.query, moment())
		q, ok := errors.AsType[*QueryError](err)
		if !ok || q.Text != tc.text {
			t.Errorf("%s: got %v, want %q", tc.said, err, tc.text)
			continue
		}
		at, placed := q.Offset(tc.query)
		if !placed {
			at = -1
		}
		if at != tc.at {
			t.Errorf("%s: got place %d, want %d", tc.said, at, tc.at)
		}
	}
}

func TestWhatIsNoAnswerIsAnErrorThatPeopleMaySee(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		c    *Client
		want error
	}{
		"a proxy's page":     {says(502, "<html>bad gateway"), ErrDown},
		"refused":            {says(403, `{"status":"error","errorType":"bad_data","error":"no"}`), ErrDown},
		"too slow by itself": {says(503, `{"status":"error","errorType":"timeout","error":"query timed out"}`), ErrSlow},
		"it is not up yet":   {says(503, `{"status":"error","errorType":"unavailable","error":"TSDB not ready"}`), ErrDown},
		"too large":          {says(200, strings.Repeat("x", maxAnswer+1)), ErrLarge},
		"a redirect":         {says(302, ""), ErrDown},
	} {
		if _, err := tc.c.Query(t.Context(), "up", moment()); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
	for _, strange := range []string{`{"status":"success","data":{"resultType":"moon"}}`, `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"x"]}]}}`, `{"status":"success","data":[]}`, `{"status":"success","data":{"resultType":"vector","result":[{"value":[1e99,"1"]}]}}`} {
		if _, err := says(200, strange).Query(t.Context(), "up", moment()); err == nil {
			t.Errorf("%s: got no error", strange)
		}
	}
	if _, err := says(200, "").Query(t.Context(), strings.Repeat("x", MaxExpression+1), moment()); err == nil {
		t.Error("a query that is too long was asked")
	}
}

func TestAPrometheusThatNeverAnswersIsWaitedForBriefly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := says(0, "")
		began := time.Now()
		if _, err := c.Query(t.Context(), "up", began); !errors.Is(err, ErrSlow) {
			t.Errorf("got %v, want %v", err, ErrSlow)
		}
		if took := time.Since(began); took > Timeout+2*time.Second {
			t.Errorf("it took %s, want at most %s", took, Timeout+2*time.Second)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := c.Query(ctx, "up", began); !errors.Is(err, ErrSlow) {
			t.Errorf("with a time of its own: got %v, want %v", err, ErrSlow)
		}
	})
}

func TestWhoAsksTooMuchAtOnceIsToldSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := says(0, "")
		for range atOnce {
			go func() { _, _ = c.Query(t.Context(), "up", time.Now()) }()
		}
		synctest.Wait()
		if _, err := c.Query(t.Context(), "up", time.Now()); !errors.Is(err, ErrBusy) {
			t.Errorf("got %v, want %v", err, ErrBusy)
		}
		time.Sleep(Timeout + 2*time.Second)
		synctest.Wait()
	})
}

func TestNamesAreRead(t *testing.T) {
	t.Parallel()
	c := New("http://p", prometheus(func(r *http.Request, form url.Values) (int, string) {
		switch r.URL.Path {
		case "/api/v1/label/__name__/values":
			if diff := cmp.Diff([]string{`{job="x"}`}, form["match[]"]); diff != "" {
				t.Error(diff)
			}
			return 200, `{"status":"success","data":["a","b"]}`
		}
		return 404, ""
	}))
	if got, err := c.LabelValues(t.Context(), "__name__", moment(), `{job="x"}`); err != nil || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestASeriesIsNamedAsPromQLWritesIt(t *testing.T) {
	t.Parallel()
	s := Series{Labels: map[string]string{"__name__": "up", "b": `x"y`, "a": "1"}}
	for _, tc := range []struct {
		without []string
		want    string
	}{{nil, `up{a="1", b="x\"y"}`}, {[]string{"a", "b"}, "up"}, {[]string{"__name__", "a", "b"}, "{}"}, {[]string{"__name__", "b"}, `{a="1"}`}} {
		if got := s.NameWithout(tc.without...); got != tc.want {
			t.Errorf("without %v: got %s, want %s", tc.without, got, tc.want)
		}
	}
}

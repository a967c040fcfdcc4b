package twilio

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// callPage is the wire form of a page of calls.
type callPage struct {
	Calls           []callResource `json:"calls"`
	FirstPageURI    string         `json:"first_page_uri"`
	NextPageURI     *string        `json:"next_page_uri"`
	PreviousPageURI *string        `json:"previous_page_uri"`
	Page            int            `json:"page"`
	PageSize        int            `json:"page_size"`
	Start           int            `json:"start"`
	End             int            `json:"end"`
	URI             string         `json:"uri"`
}

const (
	defaultPageSize = 50
	maxPageSize     = 1000
)

// list answers GET …/Calls.json, newest call first. A call that still waits in
// the queue has no start time, so no filter on start times finds it.
func (s *Server) list(r *http.Request, a *account, _ *Request) answer {
	q := r.URL.Query()
	wanted, refused := readFilter(q)
	if refused != nil {
		return refuse(refused)
	}
	size, number, refused := readPage(q)
	if refused != nil {
		return refuse(refused)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	page := callPage{Calls: []callResource{}, Page: number, PageSize: size, Start: number * size, URI: r.URL.RequestURI()}
	token := q.Get("PageToken") // the last call of the page before: later calls don't shift the pages
	below := token == ""
	for _, l := range slices.Backward(s.legs) {
		switch {
		case l.account != a:
		case !below:
			below = "PA"+l.sid == token
		case !wanted(l):
		case len(page.Calls) == size:
			page.NextPageURI = optional(pageURI(r, size, number+1, "PA"+page.Calls[size-1].SID))
		default:
			page.Calls = append(page.Calls, l.resource())
		}
		if page.NextPageURI != nil {
			break
		}
	}
	page.End = max(page.Start, page.Start+len(page.Calls)-1)
	page.FirstPageURI = pageURI(r, size, 0, "")
	return answer{status: http.StatusOK, body: page}
}

func pageURI(r *http.Request, size, number int, token string) string {
	q := r.URL.Query()
	q.Set("PageSize", strconv.Itoa(size))
	q.Set("Page", strconv.Itoa(number))
	q.Del("PageToken")
	if token != "" {
		q.Set("PageToken", token)
	}
	return r.URL.Path + "?" + q.Encode()
}

func readPage(q url.Values) (size, number int, refused *apiError) {
	size = defaultPageSize
	if text := q.Get("PageSize"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return 0, 0, badRequest(20001, "Invalid PageSize: %s", text)
		}
		size = min(n, maxPageSize)
	}
	if text := q.Get("Page"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 0 && q.Get("PageToken") == "" {
			return 0, 0, badRequest(20006, "Invalid Page: %s needs its PageToken", text)
		}
		number = n
	}
	return size, number, nil
}

// readFilter returns what holds of a wanted call.
func readFilter(q url.Values) (func(*leg) bool, *apiError) {
	var tests []func(*leg) bool
	for _, f := range []struct {
		name string
		of   func(*leg) string
	}{
		{"To", func(l *leg) string { return l.params.to }},
		{"From", func(l *leg) string { return l.params.from }},
		{"Status", func(l *leg) string { return string(l.status) }},
		{"ParentCallSid", func(*leg) string { return "" }},
	} {
		if value := q.Get(f.name); value != "" {
			tests = append(tests, func(l *leg) bool { return f.of(l) == value })
		}
	}
	if status := q.Get("Status"); status != "" && !slices.Contains(statuses, Status(status)) {
		return nil, badRequest(20001, "Invalid Status: %s", status)
	}
	for _, f := range []struct {
		name string
		of   func(*leg) time.Time
	}{
		{"StartTime", func(l *leg) time.Time { return l.dialed }},
		{"EndTime", func(l *leg) time.Time { return l.ended }},
	} {
		for _, op := range []string{"", "<", ">"} {
			text := q.Get(f.name + op)
			if text == "" {
				continue
			}
			from, to, err := readSpan(text)
			if err != nil {
				return nil, badRequest(20001, "Invalid %s: %s", f.name+op, text)
			}
			tests = append(tests, func(l *leg) bool {
				at := f.of(l).Truncate(time.Second)
				switch {
				case f.of(l).IsZero():
					return false
				case op == ">":
					return !at.Before(from)
				case op == "<":
					return at.Before(to)
				default:
					return !at.Before(from) && at.Before(to)
				}
			})
		}
	}
	return func(l *leg) bool {
		for _, holds := range tests {
			if !holds(l) {
				return false
			}
		}
		return true
	}, nil
}

// readSpan reads a day or a second, both in UTC unless they say otherwise.
func readSpan(text string) (from, to time.Time, err error) {
	if from, err = time.Parse(time.DateOnly, text); err == nil {
		return from, from.AddDate(0, 0, 1), nil
	}
	if from, err = time.Parse(time.RFC3339, text); err == nil {
		return from, from.Add(time.Second), nil
	}
	return from, to, fmt.Errorf("time %q: %w", text, err)
}

package cli

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"toban/api"
)

// monitorFacts are what is shown of one monitor.
type monitorFacts struct {
	of     api.Monitor
	failed []api.MonitorFailure
	pings  []api.Ping // of a heartbeat
}

func (e *env) monitorShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show NAME", Short: "One monitor, its last result and its last failures", Args: cobra.ExactArgs(1), Example: "  toban monitor show shop",
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/api/v1/monitors/" + url.PathEscape(args[0])
			var f monitorFacts
			if err := e.call(cmd.Context(), http.MethodGet, path, nil, &f.of); err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(f.of)
			}
			var failed api.MonitorFailureList
			if err := e.call(cmd.Context(), http.MethodGet, path+"/failures", nil, &failed); err != nil {
				return err
			}
			f.failed = failed.Failures
			if f.of.Kind == "heartbeat" {
				var pings api.PingList
				if err := e.call(cmd.Context(), http.MethodGet, path+"/pings?limit=1", nil, &pings); err != nil {
					return err
				}
				f.pings = pings.Pings
			}
			return e.printMonitor(f, e.zone(cmd.Context()))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	e.arguments(cmd, monitorNames)
	return cmd
}

func (e *env) printMonitor(f monitorFacts, zone *time.Location) error {
	m := f.of
	head := m.Name + "  " + stateWord(m)
	if m.Since != nil {
		head += " since " + clock(*m.Since, zone)
	}
	fmt.Fprintf(e.out, "%s\n%s %s\n", head, m.Kind, m.Target)
	switch {
	case m.Message != "":
		fmt.Fprintf(e.out, "%s: %s\n", m.Reason, m.Message)
	case m.Reason != "":
		fmt.Fprintln(e.out, m.Reason)
	}
	if m.Problem != "" {
		fmt.Fprintf(e.out, "it can't be watched: %s\n", m.Problem)
	}
	e.printLast(f, zone)
	fmt.Fprintf(e.out, "uptime: %s\n", uptimeWords(m.Uptime, zone))
	fmt.Fprintf(e.out, "service %s · severity %s · written in %s\nPromQL: %s\n", dash(m.Service), m.Severity, dash(m.Place), m.Expression)
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	if len(m.Places) > 0 {
		fmt.Fprintln(w, "\nLOCATION\tSTATE\tSINCE\tLAST CHECK")
	}
	for _, p := range m.Places {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Location, p.State, moment(p.Since, zone), moment(p.LastAt, zone))
	}
	if len(f.failed) > 0 {
		fmt.Fprintln(w, "\nFAILED\tFROM\tREASON\tMESSAGE")
	}
	for _, f := range f.failed {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", clock(f.At, zone), f.Location, f.Reason, line(f.Message, maxTitle))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(f.failed) > 0 {
		e.printEvidence(f.failed[0].Evidence)
	}
	return nil
}

// printLast says what came last, and of a heartbeat where it is to come and until
// when.
func (e *env) printLast(f monitorFacts, zone *time.Location) {
	m := f.of
	if m.Kind != "heartbeat" {
		last := "last check: "
		if m.Kind == "metric" {
			last = "last point: "
		}
		last += moment(m.LastAt, zone)
		if m.Took > 0 {
			last += ", took " + tookWords(m.Took)
		}
		fmt.Fprintln(e.out, last)
		return
	}
	address := m.PingURL
	if address == "" {
		address = "only managers see its address"
	}
	last := "never"
	if len(f.pings) > 0 {
		p := f.pings[0]
		last = clock(p.At, zone) + " " + p.Kind
		if p.Exit != nil {
			last += ", exit status " + strconv.Itoa(*p.Exit)
		}
		if p.Took > 0 {
			last += ", took " + tookWords(p.Took)
		}
	}
	fmt.Fprintf(e.out, "ping URL: %s\nlast ping: %s\n", address, last)
	if m.Expected != nil || m.Deadline != nil {
		fmt.Fprintf(e.out, "next expected %s, down without one after %s\n", moment(m.Expected, zone), moment(m.Deadline, zone))
	}
}

// printEvidence is what was tried and what came back, in short.
func (e *env) printEvidence(of api.MonitorEvidence) {
	const most = 5 // lines
	if len(of.Tried) == 0 && of.Status == "" && of.Body == "" {
		return
	}
	fmt.Fprintln(e.out, "\nthe last failure:")
	for _, tried := range of.Tried[max(0, len(of.Tried)-most):] {
		fmt.Fprintln(e.out, "  "+line(tried, maxTitle))
	}
	if of.Status != "" {
		fmt.Fprintln(e.out, "  "+of.Status)
	}
	if of.Body != "" {
		fmt.Fprintln(e.out, "  "+line(of.Body, maxTitle))
	}
}

func tookWords(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(100 * time.Microsecond).String()
}

// uptimeWords are the shares of the spans of which anything is known, and since
// when where that is shorter than the longest of them.
func uptimeWords(u *api.MonitorUptime, zone *time.Location) string {
	if u == nil {
		return "not known yet"
	}
	var all []string
	for _, span := range []struct {
		name  string
		share *float64
	}{{"24 h", u.Day}, {"30 d", u.Month}, {"90 d", u.Quarter}} {
		if span.share != nil {
			all = append(all, span.name+" "+shareWords(*span.share))
		}
	}
	if len(all) == 0 {
		all = []string{"not known yet"}
	}
	if u.Since != nil {
		all = append(all, "watched since "+clock(*u.Since, zone))
	}
	return strings.Join(all, " · ")
}

// shareWords writes a share in per cent; less than all is never written as all.
func shareWords(share float64) string {
	if share >= 1 {
		return "100%"
	}
	return strconv.FormatFloat(math.Floor(share*10000)/100, 'f', -1, 64) + "%"
}

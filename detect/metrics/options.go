package metrics

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// options are the flags of `toban metrics`, read and checked.
type options struct {
	data      string        // the folder of the TSDB
	listen    string        // unix:PATH or host:port
	config    string        // prometheus.yml, or ""
	rules     []string      // further rule files, and folders of them
	monitors  string        // the folder of the rules of toban's monitors, or ""
	alerts    string        // where alerts are posted, or ""
	alertsKey string        // sent as a bearer token, or ""
	core      string        // unix:PATH of toban's own metrics, or ""
	retention time.Duration // > 0
	size      int64         // of the blocks, in bytes; 0: no limit
	memory    int64         // in bytes; 0: no limit
	external  *url.URL      // never nil, no trailing slash
	settle    time.Duration // see outbox.settle
	withStdin bool          // end when stdin closes
	level     slog.Level
}

// The bounds of what may be asked for: a TSDB with less memory does not start,
// and blocks of less than two hours do not exist.
const (
	minMemory    = 64 << 20
	minRetention = 2 * time.Hour
	maxRetention = 100 * 365 * 24 * time.Hour
)

// usage is what a wrong flag and --help show.
const usage = `usage: toban metrics --data DIR [flags]
       toban metrics check [--config FILE] [--rules DIR|FILE]…
       toban metrics check --expressions < a JSON list of PromQL

Keeps metrics, scrapes, evaluates rules: Prometheus, as a child process of toban serve.

`

// rulePaths is a flag that may be given several times.
type rulePaths []string

func (p *rulePaths) String() string { return strings.Join(*p, ",") }

func (p *rulePaths) Set(path string) error {
	if path == "" {
		return fmt.Errorf("a path is wanted")
	}
	*p = append(*p, path)
	return nil
}

// parseOptions reads the flags of `toban metrics`. What is wrong has been told
// on stderr when it returns an error.
func parseOptions(args []string, stderr io.Writer, getenv func(string) string) (options, error) {
	o := options{alertsKey: getenv("TOBAN_ALERTS_KEY")}
	f := flag.NewFlagSet("toban metrics", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	f.StringVar(&o.data, "data", "", "`DIR` of the time series")
	f.StringVar(&o.listen, "listen", "127.0.0.1:9090", "`ADDRESS` to answer on: host:port or unix:PATH")
	f.StringVar(&o.config, "config", "", "`FILE` in the format of prometheus.yml; without one nothing is scraped")
	f.Var((*rulePaths)(&o.rules), "rules", "further rule files: a `PATH` of a file, or of a folder with *.yml; may be repeated")
	f.StringVar(&o.monitors, "monitors", "", "`DIR` with rules of toban's own, each of which stands for itself: a file that is wrong is left out alone")
	f.StringVar(&o.alerts, "alerts", "", "`ADDRESS` to post alerts to: a URL or unix:PATH; a key for it is read from TOBAN_ALERTS_KEY")
	f.StringVar(&o.core, "core", "", "`ADDRESS` of toban's own metrics, unix:PATH; they are scraped, and those of this process")
	retention := f.String("retention", "15d", "how `LONG` samples are kept")
	size := f.String("size", "10GB", "how much `DISK` the samples may take; 0: no limit")
	memory := f.String("memory", "512MiB", "how much `MEMORY` this process may take before it is ended; 0: no limit")
	external := f.String("external-url", "http://127.0.0.1:8080", "`URL` of toban's pages, for the links of alerts")
	f.DurationVar(&o.settle, "settle", 5*time.Minute, "how `LONG` after a start an alert of the last run may stay unseen before it is resolved")
	f.BoolVar(&o.withStdin, "until-stdin-closes", false, "end when stdin closes, as it does when the parent dies")
	f.TextVar(&o.level, "log-level", slog.LevelInfo, "`LEVEL` of what is logged on stderr: debug, info, warn, error")
	if err := f.Parse(args); err != nil {
		return o, err // told by the flag set
	}
	var err error
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected %q", f.Arg(0))
	case o.data == "":
		err = fmt.Errorf("--data is missing: the folder of the time series")
	case o.core != "" && (!strings.HasPrefix(o.core, "unix:/") || len(o.core) > len("unix:")+maxSocketPath):
		err = fmt.Errorf("--core: unix: and the absolute path of a socket, not %q", o.core)
	}
	if err == nil {
		o.retention, err = parseRetention(*retention)
	}
	if err == nil {
		o.size, err = parseSize("--size", *size, 0)
	}
	if err == nil {
		o.memory, err = parseSize("--memory", *memory, minMemory)
	}
	if err == nil {
		o.external, err = parseExternal(*external)
	}
	if err == nil && (o.settle < 0 || o.settle > time.Hour) {
		err = fmt.Errorf("--settle: between 0 and 1h, not %s", o.settle)
	}
	if err != nil {
		fmt.Fprintln(stderr, "toban metrics:", err)
	}
	return o, err
}

func parseRetention(text string) (time.Duration, error) {
	d, err := model.ParseDuration(text)
	if err != nil || time.Duration(d) < minRetention || time.Duration(d) > maxRetention {
		return 0, fmt.Errorf("--retention: a time between 2h and 100y, as in 15d, not %q", text)
	}
	return time.Duration(d), nil
}

func parseExternal(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("--external-url: an address that begins with http:// or https://, not %q", text)
	}
	return u, nil
}

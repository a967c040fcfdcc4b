package slack

import (
	"testing"
	"time"
)

func TestMarkupIsTheServicesAndNothingElse(t *testing.T) {
	t.Parallel()
	w := writer{language: "ja", zone: time.FixedZone("JST", 9*60*60), name: func(id string) string { return "<" + id + ">" }, looks: newLooks()}
	link := func(to, text string) string {
		return `<a href="` + to + `" target="_blank" rel="noopener noreferrer">` + text + `</a>`
	}
	for text, want := range map[string]string{
		"*a* _b_ ~c~":                                  "<strong>a</strong> <em>b</em> <s>c</s>",
		"*a b*, snake_case_name 2*3*4":                 "<strong>a b</strong>, snake_case_name 2*3*4",
		"障害*重要*です":                                     "障害*重要*です", // as in the service: a sign needs a space
		"障害 *重要* です":                                   "障害 <strong>重要</strong> です",
		"* a * _ _":                                    "* a * _ _",
		"`*a* <b>`":                                    "<code>*a* &lt;b&gt;</code>",
		"```\n*a*\n<b>\n```":                           "<pre>*a*\n&lt;b&gt;</pre>",
		"> a\n> b\nc":                                  "<blockquote>a<br>b</blockquote>c",
		"&gt; a":                                       "<blockquote>a</blockquote>",
		"a\nb":                                         "a<br>b",
		"1 &lt; 2 &amp;&amp; 3 > 2":                    "1 &lt; 2 &amp;&amp; 3 &gt; 2",
		"<script>alert(1)</script>":                    "&lt;script&gt;alert(1)&lt;/script&gt;",
		"<javascript:alert(1)|x>":                      "&lt;javascript:alert(1)|x&gt;",
		"<https://a.example/_x_?a=(*b*)|y>":            link("https://a.example/_x_?a=(*b*)", "y"),
		`<https://a.example/"onx="|"y">`:               link("https://a.example/&#34;onx=&#34;", "&#34;y&#34;"),
		"*<https://a.example|y>*":                      "<strong>" + link("https://a.example", "y") + "</strong>",
		"見て https://a.example/x_y_z。":                  "見て " + link("https://a.example/x_y_z", "https://a.example/x_y_z") + "。",
		"(http://a.example/).":                         "(" + link("http://a.example/", "http://a.example/") + ").",
		"https://":                                     link("https://", "https://"),
		"<@U1> <#C1> <!subteam^S1> <!here>":            `<span class="mention">@&lt;U1&gt;</span> <span class="mention">#&lt;C1&gt;</span> <span class="mention">@&lt;S1&gt;</span> <span class="mention">@here</span>`,
		"<!date^1795155151^{date_num} {time_secs}|f>":  `<time datetime="2026-11-20T06:12:31Z">2026-11-20 15:12:31</time>`,
		"<!date^1795155151^{date} {time}^https://x|f>": `<time datetime="2026-11-20T06:12:31Z">2026年11月20日 15:12</time>`,
		"<!date^x^{date}|<f>":                          "&lt;f",
		":rotating_light: :no_such:":                   "🚨 :no_such:",
		"`a":                                           "`a",
		"<a":                                           "&lt;a",
		"\x000\x00":                                    "0",
	} {
		if got := string(w.html(text)); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func FuzzMarkupNeverWritesForeignHTML(f *testing.F) {
	for _, seed := range []string{"*a*", "<@U1|x>", "`<b>`", "<https://x|y>", "> a", "```x", "\x000\x00", "<!date^1^{time}|x>"} {
		f.Add(seed)
	}
	w := writer{language: "en", zone: time.UTC, name: func(id string) string { return id }, looks: newLooks()}
	f.Fuzz(func(t *testing.T, text string) {
		html := string(w.html(text))
		if stray := foreign(html); stray != "" {
			t.Errorf("%q became %q, with %q", text, html, stray)
		}
	})
}

// foreign returns the first tag that the writer does not write itself.
func foreign(html string) string {
	own := map[string]bool{}
	for _, name := range []string{"strong", "em", "s", "code", "pre", "blockquote", "br", "a", "span", "time"} {
		own[name], own["/"+name] = true, true
	}
	for i := 0; i < len(html); i++ {
		if html[i] != '<' {
			continue
		}
		end := i + 1
		for end < len(html) && html[end] != ' ' && html[end] != '>' {
			end++
		}
		if !own[html[i+1:end]] {
			return html[i:end]
		}
	}
	return ""
}

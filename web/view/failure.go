package view

// ErrorPage is what went wrong instead of a page.
type ErrorPage struct {
	Code, Text string
	Denied     bool   // the reader's role is too low
	Need       string // the role that it takes
	Retry      string // path to try again; "" where that makes no sense
}

package view

// Column is the head of a column of a Table.
type Column struct {
	Label  string
	Number bool // its cells are numbers and stand at the right
}

// Tab is one of several ways to look at something.
type Tab struct {
	Label  string
	Path   string
	Count  int // zero is not shown
	Active bool
}

// Package browser_test meets the built program as people do: in a real browser,
// by mouse, finger and keyboard, with and without scripts, in both languages and
// both themes. Whatever page a test opens is watched meanwhile: an error on the
// console, a failed request, a request to another host or a control without a
// name fails it.
//
// The pictures of the pages are kept in $TOBAN_SCREENSHOTS, or in a folder whose
// name is printed.
package browser_test

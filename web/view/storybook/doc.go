// Package storybook is pages with every component of package view on them, in
// each of their states. They are for looking at, and for the goldens that hold
// how they are drawn. The product does not link it.
package storybook

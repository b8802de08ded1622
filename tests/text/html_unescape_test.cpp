#include "coca/text/html_unescape.hpp"

#include <string>

#include "catch.hpp"

using coca::unescape_html;
using coca::detail::unescape_html_strictly;

TEST_CASE("all entities of the table were read") {
  CHECK(coca::detail::html_entities().size() == 2231);
  CHECK(coca::detail::html_entities().at("NotEqualTilde;") == U"\u2242\u0338");
}

TEST_CASE("named references, with and without a semicolon") {
  CHECK(unescape_html(U"&lt;b&gt; &eacute;&Jscr; &NewLine;") == U"<b> \u00E9\U0001D4A5 \n");
  CHECK(unescape_html(U"&amp &eacutex &copy=1") == U"& \u00E9x \u00A9=1");
  CHECK(unescape_html(U"&notit; &notin; &notinx;") == U"\u00ACit; \u2209 \u00ACinx;");  // longest
  CHECK(unescape_html(U"&nope; &; & &ngt &NTILDE;") == U"&nope; &; & &ngt &NTILDE;");
  CHECK(unescape_html(U"&CounterClockwiseContourIntegral;") == U"\u2233");
  CHECK(unescape_html(U"&amp\u00E9;") == U"&\u00E9;");
  CHECK(unescape_html(U"&amp;amp;") == U"&amp;");  // once only
}

TEST_CASE("numeric references") {
  CHECK(unescape_html(U"&#65;&#x42;&#X43;&#68 &#x1F600;") == U"ABCD \U0001F600");
  CHECK(unescape_html(U"&#0; &#xD800; &#x110000; &#99999999999999999999;") ==
        U"\uFFFD \uFFFD \uFFFD \uFFFD");
  CHECK(unescape_html(U"&#x80; &#x81; &#146;") == U"\u20AC \u0081 \u2019");  // Windows-1252
  CHECK(unescape_html(U"[&#1;&#x0B;&#127;&#xFDD0;&#x1FFFF;]") == U"[]");
  CHECK(unescape_html(U"&#13;") == U"\r");
  CHECK(unescape_html(U"&#; &#x; &#xg; &#") == U"&#; &#x; &#xg; &#");
}

TEST_CASE("ftfy's rules require a semicolon and know capitals") {
  CHECK(unescape_html_strictly(U"P&EACUTE;REZ STRA&SZLIG;E") == U"P\u00C9REZ STRASSE");
  CHECK(unescape_html_strictly(U"&amp &nTILDE; &LTIMES; &notit;") ==
        U"&amp &nTILDE; &LTIMES; &notit;");
  CHECK(unescape_html_strictly(U"&#x27; &#59; &#12a;") == U"' &#59; &#12a;");
  CHECK(unescape_html_strictly(U"&HARR; &checkmark;") == U"\u2194 \u2713");
  const std::u32string long_name(25, U'a');
  CHECK(unescape_html_strictly(U"&" + long_name + U";") == U"&" + long_name + U";");
}
